/** Every sampler against diffusers' chains, and its gradient through a whole chain against differences. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "../tensor/random.ts";
import { times } from "../tensor/vectors.ts";
import { makeSampler, samplerKindOf, samplerKinds } from "./make_sampler.ts";
import type { Sampler } from "./sampler.ts";
import {
  drawStepNoise,
  nextState,
  nextStateVjp,
  type SamplerCotangent,
  type SamplerState,
  startState,
  type StepNoise,
} from "./sampler_state.ts";
import { parseSchedulerConfig } from "./schedule/read_scheduler_config.ts";

/** A stand-in for a model: a x + b sin(c x + d i) at step i. */
interface Model {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

interface Fixture {
  readonly config: Record<string, unknown>;
  readonly step_kwargs?: { readonly eta?: number };
  readonly model_output: Model;
  readonly start: number[];
  readonly runs: readonly {
    readonly num_inference_steps: number;
    readonly timesteps: number[];
    readonly init_noise_sigma?: number;
    readonly samples: number[][];
    readonly noise?: readonly (readonly number[] | null)[];
  }[];
}

const stableDiffusion = parseSchedulerConfig({
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  clip_sample: false,
}, "sd");

const folder = new URL("../../testdata/schedulers/", import.meta.url);
const names = [...Deno.readDirSync(folder)]
  .map(({ name }) => name.replace(".json", ""))
  .filter((name) => name !== "add_noise").sort();

function readFixture(name: string): Fixture {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, folder)));
}

function samplerFor({ config, step_kwargs }: Fixture, steps: number): Sampler {
  const parsed = parseSchedulerConfig(config, "fixture");
  return makeSampler(parsed, { steps, ...step_kwargs });
}

/** The states from noise to the final latents under a stand-in for a model. */
function chain(
  sampler: Sampler,
  { a, b, c, d }: Model,
  { noise, stepNoise }: { noise: Float32Array; stepNoise: StepNoise },
): { states: SamplerState[]; predictions: Float32Array[] } {
  const states = [startState(sampler, noise)];
  const predictions: Float32Array[] = [];
  sampler.steps.forEach(({ inputScale }, i) => {
    const state = states[i];
    const prediction = times(state.latents, inputScale)
      .map((x) => a * x + b * Math.sin(c * x + d * i));
    predictions.push(prediction);
    states.push(
      nextState(sampler, i, { state, prediction, noise: stepNoise[i] }),
    );
  });
  return { states, predictions };
}

/** Largest error relative to the largest expected value. */
function relativeError(found: Float32Array, expected: ArrayLike<number>) {
  const largest = Math.max(...Array.from(expected, Math.abs));
  const errors = found.map((value, j) => Math.abs(value - expected[j]));
  return Math.max(...errors) / largest;
}

for (const name of names) {
  Deno.test(`makeSampler() reproduces diffusers' chains: ${name}`, () => {
    const fixture = readFixture(name);
    for (const run of fixture.runs) {
      const sampler = samplerFor(fixture, run.num_inference_steps);
      const timesteps = sampler.steps.map(({ timestep }) => timestep);
      if (name === "euler-sd15-karras") {
        timesteps.forEach((t, i) =>
          assertAlmostEquals(t, run.timesteps[i], 1e-3)
        );
      } else assertEquals(timesteps, run.timesteps);
      assertAlmostEquals(
        sampler.initNoiseSigma,
        run.init_noise_sigma ?? 1,
        1e-5,
      );
      const { states } = chain(sampler, fixture.model_output, {
        noise: Float32Array.from(fixture.start),
        stepNoise: (run.noise ?? []).map((each) =>
          each ? Float32Array.from(each) : undefined
        ),
      });
      states.forEach(({ latents }, i) => {
        const error = relativeError(latents, run.samples[i]);
        assert(error <= 1e-5, `${timesteps.length} steps, ${i}: ${error}`);
      });
    }
  });
}

/** dL/dnoise of L = ⟨direction, final latents⟩, back through every step and the stand-in model. */
function chainGradient(
  sampler: Sampler,
  { a, b, c, d }: Model,
  { states, predictions }: ReturnType<typeof chain>,
  direction: Float32Array,
): Float32Array {
  let cotangent: SamplerCotangent = { latents: direction, past: [] };
  for (let i = sampler.steps.length - 1; i >= 0; i--) {
    const state = states[i];
    const { inputScale } = sampler.steps[i];
    const back = nextStateVjp(sampler, i, {
      state,
      prediction: predictions[i],
      cotangent,
    });
    const latents = back.state.latents.map((dx, j) => {
      const x = inputScale * state.latents[j];
      const slope = a + b * c * Math.cos(c * x + d * i);
      return dx + back.prediction[j] * slope * inputScale;
    });
    cotangent = { ...back.state, latents };
  }
  return times(cotangent.latents, sampler.initNoiseSigma);
}

/** Without steep turns, which differences in float32 cannot follow. */
const smooth: Model = { a: 0.9, b: 0.2, c: 1, d: 1 };

/** Every recorded config, and every kind under one config. */
const differentiated: readonly (readonly [string, () => Sampler])[] = [
  ...names.map((name) =>
    [name, () => samplerFor(readFixture(name), 6)] as const
  ),
  ...samplerKinds.map((kind) =>
    [kind, () => makeSampler(stableDiffusion, { kind, steps: 5 })] as const
  ),
];

for (const [name, make] of differentiated) {
  Deno.test(`nextStateVjp() through a chain agrees with central differences: ${name}`, () => {
    const sampler = make();
    const random = new TorchGenerator(3);
    const shape = [1, 2, 3, 4];
    const [noise, direction, tangent] = [0, 1, 2].map(() =>
      random.randn(shape).data
    );
    const stepNoise = drawStepNoise(sampler, { shape, random });
    const at = (h: number) => {
      const moved = noise.map((v, j) => v + h * tangent[j]);
      const made = chain(sampler, smooth, { noise: moved, stepNoise });
      return made.states.at(-1)!.latents.map((v, j) => v * direction[j]);
    };
    // Elements do not mix in these chains, so that each is a test of its own.
    const h = 1e-2;
    const [ahead, behind] = [at(h), at(-h)];
    const made = chain(sampler, smooth, { noise, stepNoise });
    const gradient = chainGradient(sampler, smooth, made, direction);
    const numeric = ahead.map((v, j) => (v - behind[j]) / (2 * h));
    const error = relativeError(
      gradient.map((v, j) => v * tangent[j]),
      numeric,
    );
    assert(error < 1e-3, `${error}`);
  });
}

Deno.test("samplerKindOf() knows every recorded class", () => {
  const kinds = names.map((name) =>
    samplerKindOf(parseSchedulerConfig(readFixture(name).config, name))
  );
  assertEquals([...new Set(kinds)].sort(), [
    "ddim",
    "ddpm",
    "dpm-solver++",
    "euler",
    "lcm",
    "pndm",
  ]);
});
