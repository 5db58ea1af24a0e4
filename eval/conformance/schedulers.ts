/** Conformance of samplers and noise schedules with diffusers: one recorded JSON file a case. */
import {
  addNoise,
  getVelocity,
  makeDdim,
  makeNoiseSchedule,
  type NoiseSchedule,
  parseSchedulerConfig,
  type Sampler,
  type SchedulerConfig,
} from "../../core/samplers/mod.ts";
import { float32, type Tensor } from "../../core/tensor.ts";
import { judge, type Limits } from "./judge.ts";
import type { Conformance } from "./ops.ts";

const exact: Limits = { relative: 0 };
const limits: Limits = { relative: 1e-5 };

/** One chain: T timesteps, T + 1 flat latents, and the noise of the steps that draw any. */
interface Run {
  readonly num_inference_steps: number;
  readonly timesteps: readonly number[];
  readonly samples: readonly (readonly number[])[];
  readonly noise?: readonly (readonly number[] | null)[];
}

/** Stands in for a model at loop index i: a x + b sin(c x + d i). */
interface Formula {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** A recorded DDIM chain at several step counts. */
interface DdimFile {
  readonly config: unknown;
  readonly step_kwargs?: { readonly eta: number };
  readonly model_output: Formula;
  readonly runs: readonly Run[];
}

/** Runs the chains of a `ddim-*.json`: their timesteps, then all latents of each chain. */
export async function* runDdim(file: string): AsyncGenerator<Conformance> {
  const recorded: DdimFile = JSON.parse(await Deno.readTextFile(file));
  const config = parseSchedulerConfig(recorded.config, file);
  for (const run of recorded.runs) {
    yield* ddimRows(run, { config, recorded });
  }
}

function* ddimRows(
  run: Run,
  { config, recorded }: {
    readonly config: SchedulerConfig;
    readonly recorded: DdimFile;
  },
): Generator<Conformance> {
  const sampler = makeDdim(config, {
    steps: run.num_inference_steps,
    eta: recorded.step_kwargs?.eta,
  });
  const name = `${run.num_inference_steps} steps`;
  yield judge({ case: name, tensor: "timesteps" }, {
    found: flat(sampler.timesteps),
    expected: flat(run.timesteps),
    limits: exact,
  });
  let i = 0;
  for (const x of chain(sampler, run, recorded.model_output)) {
    const expected = flat(run.samples[++i]);
    const found = float32([x.length], x);
    yield judge({ case: name, tensor: `samples.${i}` }, {
      found,
      expected,
      limits,
    });
  }
}

/** The latents after each step; errors add up, as nothing is reset to the recorded ones. */
function* chain(
  sampler: Sampler,
  { samples, noise }: Run,
  { a, b, c, d }: Formula,
): Generator<Float32Array> {
  let x: Float32Array = Float32Array.from(samples[0]);
  for (const i of sampler.timesteps.keys()) {
    const drawn = noise?.[i] ?? undefined;
    const prediction = x.map((v) => a * v + b * Math.sin(c * v + d * i));
    x = sampler.step(i, x, prediction, drawn && Float32Array.from(drawn));
    yield x;
  }
}

/** The schedules that `add_noise.json` names: those of Stable Diffusion 1.5 and DiT. */
const namedSchedules: Readonly<Record<string, object>> = {
  sd15: {
    beta_schedule: "scaled_linear",
    beta_start: 0.00085,
    beta_end: 0.012,
  },
  dit: { beta_schedule: "linear", beta_start: 0.0001, beta_end: 0.02 },
};

/** `add_noise.json`: one clean sample and noise, mixed at several timesteps. */
interface AddNoiseFile {
  readonly x0: readonly number[];
  readonly noise: readonly number[];
  readonly results: readonly {
    readonly betas: string;
    readonly t: number;
    readonly add_noise: readonly number[];
    readonly velocity: readonly number[];
  }[];
}

/**
 * Mixes samples and noise as in an `add_noise.json`.
 *
 * @throws {RangeError} If it names an unknown schedule.
 */
export async function* runAddNoise(file: string): AsyncGenerator<Conformance> {
  const { x0, noise, results }: AddNoiseFile = JSON.parse(
    await Deno.readTextFile(file),
  );
  for (const { betas, t, add_noise, velocity } of results) {
    const schedule = namedSchedule(betas);
    const batch = {
      clean: Float32Array.from(x0),
      noise: Float32Array.from(noise),
      timesteps: [t],
    };
    const row = (
      tensor: string,
      found: Float32Array,
      expected: readonly number[],
    ) =>
      judge({ case: `${betas} t${t}`, tensor }, {
        found: float32([found.length], found),
        expected: flat(expected),
        limits,
      });
    yield row("add_noise", addNoise(schedule, batch), add_noise);
    yield row("velocity", getVelocity(schedule, batch), velocity);
  }
}

function namedSchedule(name: string): NoiseSchedule {
  if (Object.hasOwn(namedSchedules, name)) {
    const config = parseSchedulerConfig(namedSchedules[name], name);
    return makeNoiseSchedule(config);
  }
  throw new RangeError(
    `Cannot check add_noise: schedule is "${name}", expected one of ${
      Object.keys(namedSchedules).join(", ")
    }`,
  );
}

function flat(values: readonly number[]): Tensor {
  return float32([values.length], Float32Array.from(values));
}
