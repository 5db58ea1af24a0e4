/**
 * PLMS: PNDM (arXiv 2202.09778) without its Runge-Kutta warm-up, as diffusers'
 * `PNDMScheduler` steps it. An Adams-Bashforth combination of the last four
 * predictions takes the place of one, in a DDIM step.
 */
import {
  makeNoiseSchedule,
  noiseConfig,
} from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelAfter,
  levelAt,
  mix,
} from "../../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { spacedTimesteps } from "../../schedule/timesteps.ts";

/** The config of `PNDMScheduler`. @throws As {@linkcode noiseConfig}, and if it asks for the Runge-Kutta warm-up. */
export function pndmConfig(config: SchedulerConfig) {
  const key = "skip_prk_steps";
  // Silence means a warm-up in PNDM's own configs; another scheduler's say nothing of it.
  if (!(config.boolean(key) ?? config.className !== "PNDMScheduler")) {
    config.refuse(key, "true (the Runge-Kutta warm-up is not supported)");
  }
  return {
    ...noiseConfig(config),
    ...config.timesteps("leading"),
    setAlphaToOne: config.boolean("set_alpha_to_one") ?? false,
  };
}

/** Adams-Bashforth weights of orders 1 to 4, latest prediction first; the last is the paper's Eq. 12. */
const adamsBashforth = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** One call: its jump's start, and the weights of its prediction and those before. */
interface PlmsCall {
  readonly timestep: number;
  /** The jump's start; the second call repeats the first's. */
  readonly from: number;
  /** Steps back to the latents it starts from. */
  readonly back: number;
  readonly weights: readonly number[];
}

/**
 * PLMS at `steps` timesteps. It calls the model once more than that: after the
 * first jump, the second call improves on it from the same latents.
 *
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makePndm(
  config: ReturnType<typeof pndmConfig>,
  { steps }: { readonly steps: number },
): Sampler {
  const { numTrainTimesteps, predictionType } = config;
  const schedule = makeNoiseSchedule(config);
  const finalAlpha = config.setAlphaToOne ? 1 : schedule.alphasCumprod[0];
  const stride = Math.floor(numTrainTimesteps / steps);
  const toStep = ({ timestep, from, back, weights }: PlmsCall): SamplerStep => {
    const { clean, epsilon } = interpret(
      predictionType,
      levelAt(schedule, from),
    );
    const to = levelAfter(schedule, from - stride, finalAlpha);
    const next = mix([to.signal, clean], [to.noise, epsilon]);
    return {
      timestep,
      inputScale: 1,
      latents: [...Array<number>(back).fill(0), next.x],
      predictions: weights.map((weight) => weight * next.prediction),
      noise: 0,
    };
  };
  const calls = plmsCalls(spacedTimesteps(steps, config), stride);
  return samplerOf({ name: "pndm", steps: calls.map(toStep) });
}

function plmsCalls(
  [first, ...others]: readonly number[],
  stride: number,
): PlmsCall[] {
  const start = { timestep: first, from: first, back: 0, weights: [1] };
  if (others.length === 0) return [start];
  const [second] = others;
  const again = {
    timestep: second,
    from: second + stride,
    back: 1,
    weights: [1 / 2, 1 / 2],
  };
  return [
    start,
    again,
    ...others.map((timestep, k) => ({
      timestep,
      from: timestep,
      back: 0,
      weights: plmsWeights(k + 2),
    })),
  ];
}

/** Weights of call i's prediction and those before it, latest first; call 1's is left out. */
function plmsWeights(i: number): number[] {
  const order = Math.min(i, 4);
  const weights = [...adamsBashforth[order - 1]];
  if (i - order < 1) weights.splice(i - 1, 0, 0);
  return weights;
}
