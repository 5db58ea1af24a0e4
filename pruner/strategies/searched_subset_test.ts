import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../core/random.ts";
import { makeDdim } from "../../core/samplers/ddim.ts";
import { parseSchedulerConfig } from "../../core/samplers/scheduler_config.ts";
import { int64 } from "../../core/tensor.ts";
import type { CalibrationBatch } from "../calibration.ts";
import { cheapestPath, searchSubset } from "./searched_subset.ts";

const steps = 7;
const sampler = makeDdim(
  parseSchedulerConfig({
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
  }, "test"),
  { steps },
);

/** An analytic model whose prediction turns quickly at first. */
function predict(x: Float32Array, step: number): Float32Array {
  return x.map((v) => 0.4 * v + Math.sin(3 * v + 9 / (1 + step)));
}

function sampleWith(computed: readonly number[], latents: Float32Array) {
  const [trajectory, predictions]: [Float32Array[], Float32Array[]] = [[], []];
  let [x, held] = [latents, latents];
  for (let t = 0; t < steps; t++) {
    if (computed.includes(t)) held = predict(x, t);
    trajectory.push(x);
    predictions.push(held);
    x = sampler.step(t, x, held);
  }
  return { trajectory: [...trajectory, x], predictions };
}

const latents = new TorchGenerator(0).randn([2, 1, 4, 4]);
const all = Array.from({ length: steps }, (_, t) => t);
const batch: CalibrationBatch = {
  latents,
  conditioning: { class_labels: int64([4], [0, 0, 0, 0]) },
  ...sampleWith(all, latents.data),
};

function errorOf(computed: readonly number[]): number {
  const found = sampleWith(computed, latents.data).trajectory[steps];
  return found.reduce(
    (sum, v, i) => sum + (v - batch.trajectory[steps][i]) ** 2,
    0,
  ) /
    found.length;
}

/** Every subset of k steps that holds 0. */
function subsets(k: number, from = 1): number[][] {
  if (k === 1) return [[0]];
  return all.slice(from).flatMap((t) =>
    subsets(k - 1, t + 1).map((rest) =>
      [0, t, ...rest.slice(1)].sort((a, b) => a - b)
    )
  ).filter((s) => new Set(s).size === k);
}

Deno.test("cheapestPath() is the best of all paths", () => {
  const random = new TorchGenerator(1);
  const costs = all.map(() =>
    Array.from({ length: steps + 1 }, () => random.uniform())
  );
  for (const k of [1, 3, 5]) {
    const cost = (path: readonly number[]) =>
      path.reduce((sum, i, n) => sum + costs[i][path[n + 1] ?? steps], 0);
    const least = Math.min(...subsets(k).map(cost));
    assert(Math.abs(cost(cheapestPath(costs, k)) - least) < 1e-12);
  }
});

Deno.test("searchSubset() comes close to the best of all subsets, within its evaluations", async () => {
  for (const k of [2, 3, 4]) {
    let calls = 0;
    const found = await searchSubset({
      sampler,
      batches: [batch],
      evaluate: (computed) => {
        calls++;
        return Promise.resolve(errorOf(computed));
      },
    }, { k, evaluations: 30 });
    assertEquals(found.length, k);
    assertEquals(found[0], 0);
    assert(calls <= 30);
    const ranked = subsets(k).map(errorOf).sort((a, b) => a - b);
    const rank = ranked.findIndex((error) => error >= errorOf(found) - 1e-12);
    assert(
      rank <= Math.ceil(0.15 * ranked.length),
      `rank ${rank} of ${ranked.length}`,
    );
  }
});
