/**
 * The forward process of DDPM (arXiv 2006.11239): how much of the clean sample
 * is left at each training timestep. Rounded to float32 where diffusers rounds,
 * so that timesteps near pure noise agree with the model's training.
 */
import type { SchedulerConfig } from "./scheduler_config.ts";

const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2"] as const;
const predictionTypes = ["epsilon", "v_prediction", "sample"] as const;

/** The quantity that the model predicts: noise, velocity or the clean sample. */
export type PredictionType = typeof predictionTypes[number];

/** The part of every scheduler's config: the forward process of the training, and the quantity that the model predicts. */
export type NoiseConfig = ReturnType<typeof noiseConfig>;

/**
 * The keys that every scheduler reads.
 *
 * @throws {TypeError | RangeError} If a value is of another type, unknown or out of range, or betas contradict each other.
 */
export function noiseConfig(config: SchedulerConfig) {
  const numTrainTimesteps = config.integer("num_train_timesteps", 1) ?? 1000;
  const betaStart = config.fraction("beta_start") ?? 0.0001;
  const betaEnd = config.fraction("beta_end") ?? 0.02;
  if (betaStart > betaEnd) {
    config.refuse("beta_start", `at most beta_end ${betaEnd}`, RangeError);
  }
  return {
    numTrainTimesteps,
    betaStart,
    betaEnd,
    betaSchedule: config.oneOf("beta_schedule", betaSchedules) ?? "linear",
    trainedBetas: trainedBetas(config, numTrainTimesteps),
    /** Whether betas are rescaled so that the last training timestep is pure noise (arXiv 2305.08891). */
    rescaleBetasZeroSnr: config.boolean("rescale_betas_zero_snr") ?? false,
    predictionType: config.oneOf("prediction_type", predictionTypes) ??
      "epsilon",
  };
}

/** The betas themselves, one a training timestep, where the file has them. */
function trainedBetas(
  config: SchedulerConfig,
  count: number,
): readonly number[] | undefined {
  const key = "trained_betas";
  if (!config.has(key)) return undefined;
  const betas = config.values[key];
  if (!Array.isArray(betas)) return config.refuse(key, "a list of numbers");
  const isFraction = (beta: unknown) =>
    typeof beta === "number" && beta > 0 && beta < 1;
  if (betas.length !== count || !betas.every(isFraction)) {
    const expected = `${count} numbers between 0 and 1, one a timestep`;
    config.refuse(key, expected, RangeError);
  }
  return betas;
}

/** Betas and cumulative products of alphas = 1 - beta, one a training timestep. */
export interface NoiseSchedule {
  readonly betas: Float32Array;
  readonly alphasCumprod: Float32Array;
}

/** The noise schedule that a config describes. */
export function makeNoiseSchedule(config: NoiseConfig): NoiseSchedule {
  const betas = config.rescaleBetasZeroSnr
    ? rescaleToZeroSnr(baseBetas(config))
    : baseBetas(config);
  return { betas, alphasCumprod: cumulativeAlphas(betas) };
}

function baseBetas(config: NoiseConfig): Float32Array {
  const { betaStart, betaEnd, numTrainTimesteps, trainedBetas } = config;
  if (trainedBetas) return Float32Array.from(trainedBetas);
  switch (config.betaSchedule) {
    case "linear":
      return linspace(betaStart, betaEnd, numTrainTimesteps);
    case "scaled_linear":
      return linspace(
        Math.sqrt(betaStart),
        Math.sqrt(betaEnd),
        numTrainTimesteps,
      ).map((root) => root * root);
    case "squaredcos_cap_v2":
      return cosineBetas(numTrainTimesteps);
  }
}

/** `torch.linspace` in float32: each half counts from its own end. */
function linspace(start: number, end: number, size: number): Float32Array {
  if (size === 1) return Float32Array.of(start);
  const round = Math.fround;
  const step = round((round(end) - round(start)) / (size - 1));
  return Float32Array.from(
    { length: size },
    (_, i) =>
      i < size / 2
        ? round(start) + round(step * i)
        : round(end) - round(step * (size - 1 - i)),
  );
}

/** Cosine schedule of arXiv 2102.09672, Eq. 17, with betas capped at 0.999. */
function cosineBetas(size: number): Float32Array {
  const alphaBar = (u: number) =>
    Math.cos((u + 0.008) / 1.008 * Math.PI / 2) ** 2;
  return Float32Array.from(
    { length: size },
    (_, i) =>
      Math.min(1 - alphaBar((i + 1) / size) / alphaBar(i / size), 0.999),
  );
}

/** Algorithm 1 of arXiv 2305.08891: shift and scale sqrt(alphasCumprod) so that it ends at 0 and starts where it did. */
function rescaleToZeroSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeAlphas(betas).map(Math.sqrt);
  const first = roots[0];
  const last = roots[roots.length - 1];
  const scale = Math.fround(first / Math.fround(first - last));
  const alphasCumprod = roots
    .map((root) => Math.fround(root - last) * scale)
    .map((root) => root * root);
  return alphasCumprod.map((product, t) => {
    const alpha = t === 0 ? product : product / alphasCumprod[t - 1];
    return 1 - Math.fround(alpha);
  });
}

/** `torch.cumprod(1 - betas)`, which accumulates float32 values in float64. */
function cumulativeAlphas(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => product *= Math.fround(1 - beta));
}

/** The operands of `addNoise` and `getVelocity`: arrays `[B, ...]`, flat, and the timestep of each of the B samples. */
export interface NoisyBatch {
  readonly clean: Float32Array;
  readonly noise: Float32Array;
  readonly timesteps: readonly number[];
}

/**
 * Noisy samples of the forward process: sqrt(a) clean + sqrt(1 - a) noise, with a = alphasCumprod[timestep].
 *
 * @throws {RangeError} If a timestep is no training timestep or the lengths disagree.
 */
export function addNoise(
  schedule: NoiseSchedule,
  batch: NoisyBatch,
): Float32Array {
  return mix(
    schedule,
    batch,
    (a, clean, noise) => Math.sqrt(a) * clean + Math.sqrt(1 - a) * noise,
  );
}

/**
 * The velocity target of v-prediction: sqrt(a) noise - sqrt(1 - a) clean (arXiv 2202.00512).
 *
 * @throws {RangeError} If a timestep is no training timestep or the lengths disagree.
 */
export function getVelocity(
  schedule: NoiseSchedule,
  batch: NoisyBatch,
): Float32Array {
  return mix(
    schedule,
    batch,
    (a, clean, noise) => Math.sqrt(a) * noise - Math.sqrt(1 - a) * clean,
  );
}

function mix(
  { alphasCumprod }: NoiseSchedule,
  { clean, noise, timesteps }: NoisyBatch,
  formula: (a: number, clean: number, noise: number) => number,
): Float32Array {
  const sampleSize = clean.length / timesteps.length;
  if (noise.length !== clean.length || !Number.isInteger(sampleSize)) {
    throw new RangeError(
      `Cannot mix noise: clean has ${clean.length} elements, noise ${noise.length}, expected equal multiples of ${timesteps.length} timesteps`,
    );
  }
  const alphas = timesteps.map((t) => alphaAt(alphasCumprod, t));
  return clean.map((value, i) =>
    formula(alphas[Math.floor(i / sampleSize)], value, noise[i])
  );
}

function alphaAt(alphasCumprod: Float32Array, timestep: number): number {
  const alpha = alphasCumprod[timestep];
  if (alpha !== undefined) return alpha;
  throw new RangeError(
    `Cannot mix noise: timestep is ${timestep}, expected an integer from 0 to ${
      alphasCumprod.length - 1
    }`,
  );
}
