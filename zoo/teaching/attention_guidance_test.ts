import { assertAlmostEquals, assertEquals } from "@std/assert";
import { GraphBuilder } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import {
  attentionLoss,
  crossAttention,
  guidanceInputs,
  guidedSides,
} from "./attention_guidance.ts";
import { fillNormal } from "./diffusion_loss.ts";
import { captionLength } from "../data/scene_tokenizer.ts";
import { describeScene, drawScene, type Scene } from "../data/scenes.ts";
import { SplitMix32 } from "../data/uniform.ts";

/** A large shape on the left and a small one on the right. */
const scene: Scene = {
  ground: 0,
  objects: [
    { shape: 1, colour: 0, size: 1, place: 1 },
    { shape: 2, colour: 3, size: 0, place: 2 },
  ],
};

Deno.test("guidanceInputs() wants an object's words in its area, and the other words elsewhere", () => {
  const { uniform } = new SplitMix32(3);
  const description = describeScene(scene, uniform);
  const inputs = guidanceInputs([{ scene, description }]);
  for (const side of guidedSides) {
    const wanted = inputs[`wanted_words_${side}`].data;
    const wordsAt = (x: number, y: number) => {
      const position = Math.floor(y * side) * side + Math.floor(x * side);
      const row = position * captionLength;
      return [...wanted.subarray(row, row + captionLength)];
    };
    const owned = (object: number | undefined) =>
      Array.from({ length: captionLength }, (_, s) => {
        const word = description.words[s - 1]; // after the start
        return word?.object === object ? 1 : 0;
      });
    assertEquals(wordsAt(0.3, 0.45), owned(0));
    assertEquals(wordsAt(0.7, 0.45), owned(1));
    assertEquals(wordsAt(0.02, 0.02), owned(undefined));
    const weights = inputs[`area_weights_${side}`].data;
    assertAlmostEquals(weights.reduce((a, b) => a + b), 1, 1e-5);
  }
});

Deno.test("guidanceInputs() of an empty caption have weights of 0", () => {
  const inputs = guidanceInputs([{ scene, description: null }]);
  for (const side of guidedSides) {
    assertEquals(new Set(inputs[`area_weights_${side}`].data), new Set([0]));
  }
});

Deno.test("attentionLoss() is −log of the wanted words' share in the first half of the heads, mean over layers", async () => {
  const { uniform } = new SplitMix32(4);
  const pictures = [0, 1].map(() => {
    const scene = drawScene(uniform);
    return { scene, description: describeScene(scene, uniform) };
  });
  const [batch, heads, width] = [2, 2, 6];
  const g = new GraphBuilder("attention");
  const text = g.input("text", "float32", [batch, captionLength, width]);
  const layers = [4, 8].map((side) => {
    const query = g.input(`query_${side}`, "float32", [
      batch,
      side ** 2,
      width,
    ]);
    return g.scope(
      `block.${side}.attn2`,
      () => g.multiHeadAttention(query, text, text, { heads }),
    );
  });
  const network = g.build({ first: layers[0], second: layers[1] });
  const graph = g.build({ loss: attentionLoss(g, crossAttention(g, network)) });
  const feeds = Object.fromEntries(
    network.inputs.map(({ name, shape }) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b));
      fillNormal(data, uniform);
      return [name, float32(shape, data)];
    }),
  );
  const inputs = guidanceInputs(pictures, [4, 8]);
  await using session = await openSession(graph);
  const { loss } = await session.run({ ...feeds, ...inputs });

  const d = width / heads;
  const surprises = [4, 8].map((side) => {
    const length = side ** 2;
    const [query, key] = [feeds[`query_${side}`].data, feeds.text.data];
    const wanted = inputs[`wanted_words_${side}`].data;
    const weights = inputs[`area_weights_${side}`].data;
    let sum = 0;
    for (let row = 0; row < batch * length; row++) {
      const b = Math.floor(row / length);
      const shares = Array.from({ length: captionLength }, (_, s) => {
        let dot = 0;
        for (let i = 0; i < d; i++) { // the first head
          dot += query[row * width + i] *
            key[(b * captionLength + s) * width + i];
        }
        return Math.exp(dot / Math.sqrt(d));
      });
      const total = shares.reduce((a, b) => a + b);
      const right = shares.reduce(
        (a, share, s) => a + share * wanted[row * captionLength + s],
        0,
      );
      sum -= weights[row] * Math.log(right / total + 1e-4);
    }
    return sum / batch;
  });
  const expected = (surprises[0] + surprises[1]) / 2;
  assertAlmostEquals(loss.data[0] as number, expected, 1e-5);
});
