import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import {
  makeSampler,
  nextState,
  parseSchedulerConfig,
  type Sampler,
  startState,
} from "@dip-go/core/samplers";
import { int64, times } from "@dip-go/core/tensor";
import type { CalibrationBatch } from "../calibration.ts";
import { cheapestPath } from "../search/forecast_path.ts";
import { Trials } from "../search/trials.ts";
import { jumpCosts } from "../search/whole_steps.ts";
import type { StepTrials } from "./whole_steps/choice_method.ts";
import { searchSubset } from "./searched_subset.ts";

const steps = 7;
const scheduler = parseSchedulerConfig({
  beta_schedule: "linear",
  clip_sample: false,
  prediction_type: "epsilon",
  timestep_spacing: "leading",
}, "test");

/** An analytic model whose prediction turns quickly at first. */
function predict(x: Float32Array, step: number): Float32Array {
  return x.map((v) => 0.4 * v + Math.sin(3 * v + 9 / (1 + step)));
}

const latents = new TorchGenerator(0).randn([2, 1, 4, 4]);
const all = Array.from({ length: steps }, (_, t) => t);

function sampleWith(sampler: Sampler, computed: readonly number[]) {
  const [trajectory, predictions]: [Float32Array[], Float32Array[]] = [[], []];
  let state = startState(sampler, latents.data);
  let prediction = latents.data;
  for (let t = 0; t < steps; t++) {
    if (computed.includes(t)) {
      const x = times(state.latents, sampler.steps[t].inputScale);
      prediction = predict(x, t);
    }
    trajectory.push(state.latents);
    predictions.push(prediction);
    state = nextState(sampler, t, { state, prediction });
  }
  return { trajectory: [...trajectory, state.latents], predictions };
}

function batchOf(sampler: Sampler): CalibrationBatch {
  return {
    latents,
    sampler,
    guidanceScale: 1,
    conditioning: { class_labels: int64([4], [0, 0, 0, 0]) },
    ...sampleWith(sampler, all),
  };
}

/** All subsets of k steps with step 0 among them. */
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

const samplers = [
  makeSampler(scheduler, { kind: "ddim", steps }),
  makeSampler(scheduler, { kind: "pndm", steps: steps - 1 }),
  makeSampler(scheduler, { kind: "dpm-solver++", steps }),
  makeSampler(scheduler, { kind: "euler", steps }),
];

for (const sampler of samplers) {
  Deno.test(`jumpCosts() are 0 for one step, and for all steps the error of a single call: ${sampler.name}`, () => {
    const batch = batchOf(sampler);
    const costs = jumpCosts([batch]);
    all.forEach((i) => assertEquals(costs[i][i + 1], 0));
    const found = sampleWith(sampler, [0]).trajectory[steps];
    assertAlmostEquals(costs[0][steps], meanError(found, batch), 1e-9);
  });

  Deno.test(`searchSubset() comes close to the best of all subsets, within its evaluations: ${sampler.name}`, async () => {
    const batch = batchOf(sampler);
    const errorOf = (computed: readonly number[]) =>
      meanError(sampleWith(sampler, computed).trajectory[steps], batch);
    for (const k of [2, 3, 4]) {
      let calls = 0;
      const trials: StepTrials = new Trials((computed) => {
        calls++;
        return Promise.resolve({ computed, loss: errorOf(computed) });
      }, { evaluations: 30 });
      await searchSubset(trials, { k, batches: [batch] });
      const found = trials.best.computed;
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
}

function meanError(
  found: Float32Array,
  { trajectory }: CalibrationBatch,
): number {
  const sum = found.reduce((s, v, i) => s + (v - trajectory[steps][i]) ** 2, 0);
  return sum / found.length;
}
