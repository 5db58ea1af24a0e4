/**
 * Pseudo numerical methods (PNDM, arXiv 2202.09778), as diffusers'
 * `PNDMScheduler` steps them: DDIM steps with a linear multistep combination of
 * the last four predictions instead of one. The first four come from three
 * pseudo Runge-Kutta steps of four calls each; PLMS instead has lower orders at
 * first.
 */
import { noiseConfig } from "../../schedule/noise_config.ts";
import {
  makeNoiseSchedule,
  type NoiseSchedule,
} from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelAfter,
  levelAt,
  mix,
} from "../../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  spacingConfig,
  type StepOptions,
  trainingTimesteps,
} from "../../schedule/timesteps.ts";

/** The config of `PNDMScheduler`. @throws As {@linkcode noiseConfig}. */
export const pndmConfig = (config: SchedulerConfig) => ({
  ...noiseConfig(config, { predictionTypes: ["epsilon", "v_prediction"] }),
  ...spacingConfig(config, "leading"),
  setAlphaToOne: config.boolean("set_alpha_to_one") ?? false,
  /** Whether the sampler is PLMS, without the Runge-Kutta warm-up. */
  skipsWarmUp: config.boolean("skip_prk_steps") ??
    // Without the key a PNDM config has a warm-up; another scheduler's says nothing of it.
    config.className !== "PNDMScheduler",
});

type PndmConfig = ReturnType<typeof pndmConfig>;

/** Adams-Bashforth weights of orders 1 to 4, latest prediction first; the last is the paper's Eq. 12. */
const adamsBashforth = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** The jump after a call, and the predictions that it reads. */
interface PndmCall {
  /** The model's timestep. */
  readonly timestep: number;
  /** The jump's start; PLMS's second call repeats the first call's. */
  readonly from: number;
  /** The jump's end; a negative one is the end of sampling. */
  readonly to: number;
  /** The number of calls back to the latents that the jump starts from. */
  readonly back: number;
  /** Weights of this call's prediction and earlier ones, latest first. */
  readonly weights: readonly number[];
}

/**
 * PNDM at `steps` timesteps. PLMS calls the model once more: after the first
 * jump, the second call improves on it from the same latents. The warm-up calls
 * the model four times in each of the first three steps.
 *
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makePndm(config: PndmConfig, options: StepOptions): Sampler {
  const { begin = 0 } = options;
  const schedule = makeNoiseSchedule(config);
  const timesteps = trainingTimesteps(options, config);
  const stride = Math.floor(config.numTrainTimesteps / timesteps.length);
  const calls = config.skipsWarmUp
    ? plmsCalls(timesteps, { stride, begin })
    : pndmCalls(timesteps, { stride, begin });
  return samplerOf({
    name: "pndm",
    level: levelAt(schedule, calls[0].timestep),
    steps: calls.map((call) => pndmStep(config, schedule, call)),
  });
}

function pndmStep(
  { setAlphaToOne, predictionType }: PndmConfig,
  schedule: NoiseSchedule,
  { timestep, from, to: end, back, weights }: PndmCall,
): SamplerStep {
  const finalAlpha = setAlphaToOne ? 1 : schedule.alphasCumprod[0];
  const { clean, epsilon } = interpret(predictionType, levelAt(schedule, from));
  const to = levelAfter(schedule, end, finalAlpha);
  const next = mix([to.signal, clean], [to.noise, epsilon]);
  return {
    timestep,
    inputScale: 1,
    latents: [...Array<number>(back).fill(0), next.x],
    predictions: weights.map((weight) => weight * next.prediction),
    noise: 0,
  };
}

/** The stride and the first of the calls. */
interface Course {
  /** The timesteps that a jump covers. */
  readonly stride: number;
  /** The number of calls left out at the start; the others count from 0 again, as in diffusers. */
  readonly begin: number;
}

function plmsCalls(
  timesteps: readonly number[],
  { stride, begin }: Course,
): PndmCall[] {
  const [first, second, ...others] = timesteps;
  const visited = second === undefined
    ? [first]
    : [first, second, second, ...others];
  return visited.slice(begin).map((timestep, i) => {
    const repeats = i === 1;
    return {
      timestep,
      from: repeats ? timestep + stride : timestep,
      to: repeats ? timestep : timestep - stride,
      back: repeats ? 1 : 0,
      weights: repeats ? [1 / 2, 1 / 2] : plmsWeights(i),
    };
  });
}

/** Weights of call i's prediction and earlier ones, latest first; call 1's prediction is left out. */
function plmsWeights(i: number): number[] {
  const order = Math.min(Math.max(i, 1), 4);
  const weights = [...adamsBashforth[order - 1]];
  if (i > 1 && i - order < 1) weights.splice(i - 1, 0, 0);
  return weights;
}

/** The number of Runge-Kutta steps in the warm-up. */
const warmUps = 3;

/** Weights of the predictions of one Runge-Kutta step, latest first: the paper's Eq. 14. */
const rungeKutta = [1 / 6, 1 / 3, 1 / 3, 1 / 6];

/**
 * Three Runge-Kutta steps, each from a timestep to the next by way of half a
 * stride, then linear multisteps.
 *
 * @throws {RangeError} If there are fewer than four timesteps, or `begin` is not 0.
 */
function pndmCalls(
  timesteps: readonly number[],
  { stride, begin }: Course,
): PndmCall[] {
  if (timesteps.length <= warmUps) {
    throw new RangeError(
      `Cannot make pndm: steps is ${timesteps.length}, expected at least ${
        warmUps + 1
      } with the Runge-Kutta warm-up (skip_prk_steps false)`,
    );
  }
  if (begin !== 0) {
    throw new RangeError(
      `Cannot make pndm: sampling begins at call ${begin}, expected 0 with the Runge-Kutta warm-up (skip_prk_steps false)`,
    );
  }
  const half = Math.floor(stride / 2);
  const calls = timesteps.slice(0, warmUps).flatMap((start, k) => {
    const end = timesteps[k + 1];
    const to = [start - half, end + half, end, end];
    return [start, end + half, end + half, end].map((timestep, j) => ({
      timestep,
      from: start,
      to: to[j],
      back: j,
      weights: j === 3 ? rungeKutta : [1],
    }));
  });
  /** Indices of the calls at the starts of the steps so far. */
  const taken = [0, 4, 8];
  for (const timestep of timesteps.slice(warmUps)) {
    taken.push(calls.length);
    const weights: number[] = [];
    adamsBashforth[3].forEach((weight, k) => {
      weights[calls.length - taken[taken.length - 1 - k]] = weight;
    });
    calls.push({
      timestep,
      from: timestep,
      to: timestep - stride,
      back: 0,
      weights: Array.from(weights, (weight) => weight ?? 0),
    });
  }
  return calls;
}
