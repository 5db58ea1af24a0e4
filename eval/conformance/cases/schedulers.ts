/** Conformance of samplers and noise schedules with diffusers: one recorded JSON file a case. */
import { readJson } from "@dip-go/core/files";
import {
  addNoise,
  getVelocity,
  makeNoiseSchedule,
  makeSampler,
  nextState,
  noiseConfig,
  type NoiseSchedule,
  parseSchedulerConfig,
  type Sampler,
  type SchedulerConfig,
  startState,
} from "@dip-go/core/samplers";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";

const exact: Limits = { relative: 0 };
/** Limits of fractional timesteps, which follow from sigmas. */
const fractional: Limits = { relative: 1e-6, maxAbs: 1e-3 };
const limits: Limits = { relative: 1e-5 };

/** One chain: T timesteps, T + 1 flat latents, and the noise of the steps that draw noise. */
interface Run {
  readonly num_inference_steps: number;
  readonly timesteps: readonly number[];
  readonly samples: readonly (readonly number[])[];
  readonly noise?: readonly (readonly number[] | null)[];
}

/** The model's stand-in at loop index i: a x + b sin(c x + d i), x the scaled latents. */
interface Formula {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Recorded chains of one scheduler at several step counts. */
interface ChainFile {
  readonly config: unknown;
  readonly step_kwargs?: { readonly eta?: number };
  readonly model_output: Formula;
  /** Standard normal noise, flat. */
  readonly start: readonly number[];
  readonly runs: readonly Run[];
}

/** Runs a file's chains of a scheduler; compares timesteps, then all latents of each chain, the first included. */
export async function* runChains(file: string): AsyncGenerator<Conformance> {
  const recorded = await readJson(file) as ChainFile;
  const config = parseSchedulerConfig(recorded.config, file);
  for (const run of recorded.runs) yield* chainRows(run, config, recorded);
}

function* chainRows(
  run: Run,
  config: SchedulerConfig,
  recorded: ChainFile,
): Generator<Conformance> {
  const { num_inference_steps: steps } = run;
  const sampler = makeSampler(config, { steps, ...recorded.step_kwargs });
  const name = `${steps} steps`;
  const whole = run.timesteps.every(Number.isInteger);
  const timesteps = sampler.steps.map(({ timestep }) => timestep);
  const judgeTimesteps = judgeOf(name, whole ? exact : fractional);
  yield judgeTimesteps("timesteps", timesteps, run.timesteps);
  const judge = judgeOf(name, limits);
  for (const [i, x] of chain(sampler, run, recorded).entries()) {
    yield judge(`samples.${i}`, x, run.samples[i]);
  }
}

/** The latents before each step and at the end. Errors add up: no step starts from recorded latents. */
function chain(
  sampler: Sampler,
  { noise }: Run,
  { start, model_output: { a, b, c, d } }: ChainFile,
): Float32Array[] {
  let state = startState(sampler, Float32Array.from(start));
  const latents = [state.latents];
  for (const [i, { inputScale }] of sampler.steps.entries()) {
    const drawn = noise?.[i] ?? undefined;
    const prediction = state.latents.map((x) =>
      a * inputScale * x + b * Math.sin(c * inputScale * x + d * i)
    );
    state = nextState(sampler, i, {
      state,
      prediction,
      noise: drawn && Float32Array.from(drawn),
    });
    latents.push(state.latents);
  }
  return latents;
}

/** The schedules that `add_noise.json` names: Stable Diffusion 1.5's and DiT's. */
const namedSchedules: Readonly<Record<string, object>> = {
  sd15: { beta_schedule: "scaled_linear", beta_start: 8.5e-4, beta_end: 0.012 },
  dit: { beta_schedule: "linear", beta_start: 0.0001, beta_end: 0.02 },
};

/** `add_noise.json`: one clean sample and noise, mixed at several timesteps. */
interface AddNoiseFile {
  readonly x0: number[];
  readonly noise: number[];
  readonly results: {
    readonly betas: string;
    readonly t: number;
    readonly add_noise: number[];
    readonly velocity: number[];
  }[];
}

/**
 * Mixes samples and noise as an `add_noise.json` recorded it.
 *
 * @throws {RangeError} If the file names an unknown schedule.
 */
export async function* runAddNoise(file: string): AsyncGenerator<Conformance> {
  const { x0, noise, results } = await readJson(file) as AddNoiseFile;
  for (const { betas, t, add_noise, velocity } of results) {
    const schedule = namedSchedule(betas);
    const batch = {
      clean: Float32Array.from(x0),
      noise: Float32Array.from(noise),
      timesteps: [t],
    };
    const judge = judgeOf(`${betas} t${t}`, limits);
    yield judge("add_noise", addNoise(schedule, batch), add_noise);
    yield judge("velocity", getVelocity(schedule, batch), velocity);
  }
}

function namedSchedule(name: string): NoiseSchedule {
  if (Object.hasOwn(namedSchedules, name)) {
    const config = parseSchedulerConfig(namedSchedules[name], name);
    return makeNoiseSchedule(noiseConfig(config));
  }
  throw new RangeError(
    `Cannot check add_noise: schedule is "${name}", expected one of ${
      Object.keys(namedSchedules).join(", ")
    }`,
  );
}
