import { assertAlmostEquals, assertEquals } from "@std/assert";
import { parametersAsInputs } from "@dip-go/core/autodiff";
import { openSession } from "@dip-go/core/runtime";
import { float32, type Tensor, zeros } from "@dip-go/core/tensor";
import { drawScene, kindNames, kindOf } from "../data/scenes.ts";
import { scenesClassifier } from "./scenes_classifier.ts";
import { SplitMix32 } from "../data/uniform.ts";

const batch = 3;
const task = scenesClassifier({ updates: 1, seed: 0, batch });
const kinds = kindNames.length;

/** The kinds that each picture of the first batch shows, drawn again. */
function kindsOfFirstBatch(seed: number): number[][] {
  const { uniform } = new SplitMix32(seed);
  return Array.from(
    { length: batch },
    () => drawScene(uniform).objects.map(kindOf),
  );
}

Deno.test("the training loss is the binary cross-entropy of all kinds, also for extreme logits", async () => {
  const bias = Float32Array.from(
    { length: kinds },
    (_, k) => k === 0 ? 200 : k === 1 ? -200 : Math.sin(k),
  );
  const weights: Record<string, Tensor> = {};
  for (const [key, { shape }] of task.initial) weights[key] = zeros(shape);
  weights["kind_head.bias"] = float32([kinds], bias); // all other weights are 0: the bias is every picture's logits
  const seed = 11;
  const feeds = await task.batch(new SplitMix32(seed).uniform);
  await using session = await openSession(parametersAsInputs(task.graph));
  const { loss } = await session.run({ ...weights, ...feeds });
  const shown = kindsOfFirstBatch(seed);
  const negative = bias.reduce(
    (sum, x) => sum + (x > 100 ? x : Math.log1p(Math.exp(x))),
    0,
  ); // −log of the probability that no kind is shown
  const expected = shown.map((own) =>
    negative - own.reduce((sum, k) => sum + bias[k], 0)
  );
  assertAlmostEquals(
    (loss.data as Float32Array)[0],
    expected.reduce((sum, x) => sum + x, 0) / batch,
    1e-3,
  );
});

Deno.test("a batch marks the kinds that its pictures show", async () => {
  const { kind_target, images } = await task.batch(new SplitMix32(5).uniform);
  assertEquals(images.shape, [batch, 3, 64, 64]);
  const rows = kindsOfFirstBatch(5).map((shown) =>
    Array.from({ length: kinds }, (_, k) => shown.includes(k) ? 1 : 0)
  );
  assertEquals([...kind_target.data as Float32Array], rows.flat());
});
