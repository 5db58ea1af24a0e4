import { assert, assertAlmostEquals } from "@std/assert";
import { fillNormal } from "./diffusion_loss.ts";
import { stableTarget } from "./stable_target.ts";
import { SplitMix32 } from "../data/uniform.ts";

const { uniform } = new SplitMix32(11);
const normal = (count: number): Float32Array => {
  const values = new Float32Array(count);
  fillNormal(values, uniform);
  return values;
};

Deno.test("stableTarget() of one picture is its own v", () => {
  const [x0, noise] = [normal(12), normal(12)];
  const [alpha, sigma] = [0.6, 0.8];
  const sample = noise.map((e, i) => alpha * x0[i] + sigma * e);
  stableTarget({ sample, alpha, sigma }, [x0]).forEach((v, i) =>
    assertAlmostEquals(v, alpha * noise[i] - sigma * x0[i], 1e-5)
  );
});

Deno.test("stableTarget() weighs pictures as Bayes' rule does, picture by picture", () => {
  const [alpha, sigma] = [0.3, Math.sqrt(1 - 0.09)];
  const references = [normal(6), normal(6), normal(6)];
  const sample = normal(6).map((e, i) => alpha * references[1][i] + sigma * e);
  const density = (x0: Float32Array) =>
    sample.reduce(
      (product, x, i) =>
        product *
        Math.exp(-((x - alpha * x0[i]) ** 2) / (2 * sigma * sigma)),
      1,
    );
  const densities = references.map(density);
  const total = densities[0] + densities[1] + densities[2];
  const target = stableTarget({ sample, alpha, sigma }, references);
  target.forEach((v, i) => {
    const mean = references.reduce(
      (sum, x0, k) => sum + densities[k] / total * x0[i],
      0,
    );
    const noise = (sample[i] - alpha * mean) / sigma;
    assertAlmostEquals(v, alpha * noise - sigma * mean, 1e-5);
  });
});

Deno.test("stableTarget() spreads less than a single picture's v where noise hides the picture", () => {
  const [alpha, sigma] = [0.01, Math.sqrt(1 - 1e-4)];
  const squares = [1, 8].map((count) => {
    let square = 0;
    for (let n = 0; n < 400; n++) {
      const references = Array.from({ length: count }, () => normal(4));
      const sample = normal(4).map((e, i) =>
        alpha * references[0][i] + sigma * e
      );
      const target = stableTarget({ sample, alpha, sigma }, references);
      square += target.reduce((sum, v) => sum + v * v, 0) / 1600;
    }
    return square;
  });
  assertAlmostEquals(squares[0], 1, 0.1);
  assert(squares[1] < 0.16, `${squares[1]}`); // about 1 / 8
});
