/** Every sampler against diffusers' chains. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { times } from "../tensor/vectors.ts";
import { makeSampler, samplerKindOf } from "./make_sampler.ts";
import type { Sampler } from "./sampler.ts";
import {
  nextState,
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

/** Runs a stand-in for a model from noise; returns the states and predictions of all steps. */
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

/** The largest error relative to the largest expected value. */
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
