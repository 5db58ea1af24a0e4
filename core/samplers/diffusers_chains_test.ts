/** Samplers against diffusers over many configs, from a seed's noise: timesteps, initial scale and final latents. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "../tensor/random.ts";
import { makeSampler, type StepChoice } from "./make_sampler.ts";
import type { Sampler } from "./sampler.ts";
import {
  drawStepNoise,
  nextState,
  type SamplerState,
  startState,
} from "./sampler_state.ts";
import { parseSchedulerConfig } from "./schedule/read_scheduler_config.ts";

/** One chain, from a seed's standard normal noise or, if it begins later, from a noisy picture. */
interface Run {
  readonly name: string;
  readonly config: object;
  readonly call: StepChoice;
  readonly seed: number;
  /** The first timesteps. */
  readonly timesteps: readonly number[];
  readonly init: number;
  /** The final latents. */
  readonly latents: readonly number[];
}

const file = "../../testdata/samplers/chains.json";
const { runs }: { runs: Run[] } = JSON.parse(
  Deno.readTextFileSync(new URL(file, import.meta.url)),
);

const shape = [2, 1, 2, 3];

function startOf(
  sampler: Sampler,
  { begin }: StepChoice,
  noise: Float32Array,
): SamplerState {
  if (!begin) return startState(sampler, noise);
  const { noised } = sampler;
  const latents = noise.map((value, j) =>
    noised.clean * 0.5 * Math.cos(j) + noised.noise * value
  );
  return { latents, past: [] };
}

/** The final latents under prediction = 0.3 x + 0.4 sin(0.7 x + 0.6 i), x the model's input. */
function finalLatents(sampler: Sampler, { call, seed }: Run): Float32Array {
  const random = new TorchGenerator(seed);
  const noise = random.randn(shape).data;
  const stepNoise = drawStepNoise(sampler, { shape, random });
  let state = startOf(sampler, call, noise);
  sampler.steps.forEach(({ inputScale }, i) => {
    const prediction = state.latents.map((value) => {
      const x = inputScale * value;
      return 0.3 * x + 0.4 * Math.sin(0.7 * x + 0.6 * i);
    });
    const [images] = shape;
    const made = { state, prediction, noise: stepNoise[i], images };
    state = nextState(sampler, i, made);
  });
  return state.latents;
}

for (const run of runs) {
  const { name, config, call } = run;
  const what = JSON.stringify({ ...config, ...call });
  Deno.test(`makeSampler() steps as diffusers does: ${name} ${what}`, () => {
    const sampler = makeSampler(parseSchedulerConfig(config, name), call);
    const timesteps = sampler.steps.map(({ timestep }) => timestep);
    run.timesteps.forEach((expected, i) =>
      assertAlmostEquals(timesteps[i], expected, 2e-3)
    );
    if (run.timesteps.length < 30) {
      assertEquals(timesteps.length, run.timesteps.length);
    }
    if (!call.begin) {
      assertAlmostEquals(sampler.initNoiseSigma / run.init, 1, 1e-6);
    }
    const found = finalLatents(sampler, run);
    const largest = Math.max(...run.latents.map(Math.abs));
    const error = Math.max(
      ...found.map((value, j) => Math.abs(value - run.latents[j])),
    ) / largest;
    assert(error < 2e-5, `${error}`);
  });
}
