import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { openContrastivePair } from "./networks/clip/contrastive_pair.ts";
import { clipScores, promptAccuracy } from "./prompt_scores.ts";

Deno.test("promptAccuracy() is 1 if the own prompt is the nearest by angle", () => {
  const [a, b] = [Float32Array.of(3, 0), Float32Array.of(0.1, 0.2)];
  assertEquals(promptAccuracy([a, b], [a, b]), [1, 1]);
  assertEquals(promptAccuracy([b, b], [a, b]), [0, 1]);
  assertEquals(promptAccuracy([a, a], [a, a]), [1, 1]);
});

Deno.test("clipScores() are 100 times the cosine, floored at 0", () => {
  const [a, b] = [Float32Array.of(3, 4), Float32Array.of(-2, 0)];
  const [own, other, opposed] = clipScores(
    [a, a, a],
    [a, Float32Array.of(0, 5), b],
  );
  assertAlmostEquals(own, 100, 1e-6);
  assertAlmostEquals(other, 80, 1e-6);
  assertEquals(opposed, 0);
});

Deno.test("the shipped pair tells colours apart, by the nearest prompt and by its score", async () => {
  const folder =
    new URL("../../zoo/models/scenes-clip", import.meta.url).pathname;
  await using pair = await openContrastivePair(folder);
  const side = 64;
  const disc = (rgb: readonly number[]) =>
    Float32Array.from({ length: 3 * side * side }, (_, i) => {
      const [c, at] = [Math.floor(i / side ** 2), i % side ** 2];
      const [x, y] = [at % side - 31.5, Math.floor(at / side) - 31.5];
      return Math.hypot(x, y) < 13 ? rgb[c] : -0.2;
    });
  const discs = [disc([0.8, -0.8, -0.8]), disc([-0.8, -0.8, 0.9])];
  const images = float32(
    [2, 3, side, side],
    Float32Array.of(...discs[0], ...discs[1]),
  );
  const prompts = [
    "a large red circle in the middle",
    "a large blue circle in the middle",
  ];
  const features = await pair.pictures(images);
  const texts = await pair.texts(prompts);
  assertEquals(promptAccuracy(features, texts), [1, 1]);
  assertEquals(promptAccuracy(features, texts.toReversed()), [0, 0]);
  const [first] = await pair.pictures(float32([1, 3, side, side], discs[0]));
  first.forEach((x, i) => assertAlmostEquals(x, features[0][i], 1e-6));
  const right = clipScores(features, texts);
  const wrong = clipScores(features, texts.toReversed());
  right.forEach((score, i) => assert(score > wrong[i] + 5));
});
