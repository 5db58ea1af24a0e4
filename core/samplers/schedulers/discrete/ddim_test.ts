import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { TorchGenerator } from "../../../tensor/random.ts";
import { ddimConfig, makeDdim } from "./ddim.ts";
import { nextState, startState } from "../../sampler_state.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";

const json = {
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
};
const configOf = (own: object) => ddimConfig(parseSchedulerConfig(own, "sd15"));
const config = configOf(json);
const vPrediction = { ...config, predictionType: "v_prediction" } as const;

function randomArrays(seed: number, count: number): Float32Array[] {
  const generator = new TorchGenerator(seed);
  return Array.from({ length: count }, () => generator.randn([4, 6]).data);
}

Deno.test("makeDdim() with the grid's own timesteps equals the grid", () => {
  const grid = makeDdim(config, { steps: 20 });
  const timesteps = grid.steps.map(({ timestep }) => timestep);
  assertEquals(makeDdim(config, { timesteps }), grid);
});

Deno.test("makeDdim() holding epsilon at a step equals jumping over it", () => {
  const grid = makeDdim(config, { steps: 20 });
  const kept = [0, 1, 4, 5, 11, 18];
  const jumping = makeDdim(config, {
    timesteps: kept.map((i) => grid.steps[i].timestep),
  });
  const predict = (x: Float32Array, i: number) =>
    x.map((v) => 0.3 * v + 0.1 * Math.sin(7 * v + i));
  const [noise] = randomArrays(1, 1);
  let held = startState(grid, noise);
  let prediction = noise;
  grid.steps.forEach((_, i) => {
    if (kept.includes(i)) prediction = predict(held.latents, i);
    held = nextState(grid, i, { state: held, prediction });
  });
  let jumped = startState(jumping, noise);
  kept.forEach((i, k) => {
    const prediction = predict(jumped.latents, i);
    jumped = nextState(jumping, k, { state: jumped, prediction });
  });
  held.latents.forEach((v, j) =>
    assertAlmostEquals(v, jumped.latents[j], 2e-5)
  );
});

Deno.test("makeDdim() has no memory, and adds noise only if eta is above 0", () => {
  const still = makeDdim(vPrediction, { steps: 10 });
  assertEquals(still.memory, 0);
  assert(still.steps.every(({ noise }) => noise === 0));
  const noisy = makeDdim(vPrediction, { steps: 10, eta: 0.5 });
  assert(noisy.steps.every(({ noise }) => noise > 0));
});

Deno.test("makeDdim() clips the clean sample but keeps epsilon", () => {
  const clipping = configOf({
    ...json,
    clip_sample: true,
    clip_sample_range: 0.5,
  });
  const sampler = makeDdim({ ...clipping, setAlphaToOne: true }, {
    timesteps: [500], // goes to alpha 1: the next latents are the clean sample
  });
  const state = startState(sampler, Float32Array.of(-9, 0.1, 9));
  const prediction = new Float32Array(3);
  const [low, middle, high] =
    nextState(sampler, 0, { state, prediction }).latents;
  assertEquals([low, high], [-0.5, 0.5]);
  assertAlmostEquals(middle, 0.1 / Math.sqrt(0.2763324975967407), 1e-6);
});

Deno.test("makeDdim() clips by default, as diffusers does", () => {
  const { clip_sample: _, ...silent } = json;
  const [{ clip }] = makeDdim(configOf(silent), { steps: 2 }).steps;
  assertEquals(clip?.limit, 1);
});

Deno.test("makeDdim() samples from pure noise with v-prediction and zero terminal SNR", () => {
  const zeroSnr = {
    ...vPrediction,
    rescaleBetasZeroSnr: true,
    timestepSpacing: "trailing",
  } as const;
  const { steps } = makeDdim(zeroSnr, { steps: 4 });
  assertEquals(steps.map(({ timestep }) => timestep), [999, 749, 499, 249]);
  const [{ latents: [x], predictions: [v] }] = steps;
  assertAlmostEquals(x ** 2 + v ** 2, 1, 1e-12); // x is epsilon, -v the clean sample
  assertThrows(
    () => makeDdim({ ...zeroSnr, predictionType: "epsilon" }, { steps: 4 }),
    RangeError,
    "timestep 999 is pure noise",
  );
});

Deno.test("makeDdim() refuses invalid steps, timesteps and eta", () => {
  const refusals: [() => unknown, string][] = [
    [() => makeDdim(config, { steps: 0 }), "steps is 0"],
    [() => makeDdim(config, { steps: 1001 }), "steps is 1001"],
    [() => makeDdim(config, { steps: 1000 }), "timesteps[0] is 1000"],
    [() => makeDdim(config, { steps: 1000 }), "steps_offset 1"],
    [() => makeDdim(config, { timesteps: [] }), "found none"],
    [() => makeDdim(config, { timesteps: [5, 5] }), "timesteps[1] is 5"],
    [() => makeDdim(config, { timesteps: [1000] }), "timesteps[0] is 1000"],
    [() => makeDdim(config, { timesteps: [1.5] }), "timesteps[0] is 1.5"],
    [() => makeDdim(config, { steps: 2, eta: 2 }), "eta is 2"],
  ];
  for (const [refused, message] of refusals) {
    assertThrows(refused, Error, message);
  }
});
