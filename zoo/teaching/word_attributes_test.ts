import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { parametersAsInputs } from "@dip-go/core/autodiff";
import { GraphBuilder } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { fillNormal } from "./diffusion_loss.ts";
import { captionLength } from "../data/scene_tokenizer.ts";
import { attributeCounts, describeScene, drawScene } from "../data/scenes.ts";
import { SplitMix32 } from "../data/uniform.ts";
import {
  isWordHead,
  wordHeads,
  wordInputs,
  wordsLoss,
} from "./word_attributes.ts";

Deno.test("wordInputs() give a word its object's attributes from the word that says them on", () => {
  const scene = {
    ground: 0,
    objects: [
      { shape: 4, colour: 1, size: 1, place: 1 },
      { shape: 2, colour: 3, size: 0, place: 2 },
    ],
  };
  const words = [
    { text: "a", object: 0 },
    { text: "large", object: 0, says: "size" },
    { text: "green", object: 0, says: "colour" },
    { text: "ring", object: 0, says: "shape" },
    { text: "on", object: 0 },
    { text: "the", object: 0 },
    { text: "left", object: 0, says: "place" },
    { text: "and" },
    { text: "a", object: 1 },
    { text: "yellow", object: 1, says: "colour" },
    { text: "triangle", object: 1, says: "shape" },
  ] as const;
  const description = {
    words,
    ground: false,
    objects: [{ size: true, place: true }, { size: false, place: false }],
  };
  const inputs = wordInputs([{ scene, description }]);
  const known = (attribute: keyof typeof attributeCounts) => {
    const count = attributeCounts[attribute];
    const { data } = inputs[`said_${attribute}`];
    return Array.from({ length: captionLength }, (_, s) => {
      const row = data.subarray(s * count, (s + 1) * count);
      return row.findIndex((value) => value > 0);
    }).slice(1, words.length + 1);
  };
  assertEquals(known("size"), [-1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1]);
  assertEquals(known("colour"), [-1, -1, 1, 1, 1, 1, 1, -1, -1, 3, 3]);
  assertEquals(known("shape"), [-1, -1, -1, 4, 4, 4, 4, -1, -1, -1, 2]);
  assertEquals(known("place"), [-1, -1, -1, -1, -1, -1, 1, -1, -1, -1, -1]);
});

Deno.test("wordsLoss() is the mean −log likelihood over the words with a target, then over attributes", async () => {
  const { uniform } = new SplitMix32(2);
  const pictures = Array.from({ length: 3 }, () => {
    const scene = drawScene(uniform);
    return { scene, description: describeScene(scene, uniform) };
  });
  const width = 5;
  const g = new GraphBuilder("words");
  const text = g.input("text", "float32", [3, captionLength, width]);
  const random = (shape: number[]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    fillNormal(data, uniform);
    return float32(shape, data);
  };
  const features = random(text.shape as number[]);
  const heads = [...wordHeads(width)].map(([key, { shape }]) =>
    [key, random([...shape])] as const
  );
  assert(heads.every(([key]) => isWordHead(key)));
  const graph = parametersAsInputs(g.build({ loss: wordsLoss(g, text) }));
  await using session = await openSession(graph);
  const inputs = wordInputs(pictures);
  const { loss } = await session.run({
    text: features,
    ...inputs,
    ...Object.fromEntries(heads),
  });

  const losses = heads.map(([key, head]) => {
    const attribute = key.split(".")[1];
    const count = head.shape[1];
    const target = inputs[`said_${attribute}`].data;
    const surprises: number[] = [];
    for (let row = 0; row < 3 * captionLength; row++) {
      const own = target.subarray(row * count, (row + 1) * count);
      const value = own.findIndex((t) => t > 0);
      if (value < 0) continue;
      const exps = Array.from({ length: count }, (_, k) => {
        let logit = 0;
        for (let i = 0; i < width; i++) {
          logit += features.data[row * width + i] * head.data[i * count + k];
        }
        return Math.exp(logit);
      });
      surprises.push(-Math.log(exps[value] / exps.reduce((a, b) => a + b)));
    }
    return surprises.reduce((a, b) => a + b) / surprises.length;
  });
  const mean = losses.reduce((a, b) => a + b) / losses.length;
  assertAlmostEquals(loss.data[0] as number, mean, 1e-4);
});
