/**
 * The forward process of DDPM (arXiv 2006.11239): how much of the clean sample
 * is left at each training timestep. Rounded to float32 where diffusers rounds,
 * so that timesteps near pure noise agree with the model's training.
 */
import type { NoiseConfig } from "./noise_config.ts";

/** Betas, and cumulative products of alphas = 1 - beta, for each training timestep. */
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
    case "sigmoid": {
      const range = Math.fround(betaEnd - betaStart);
      return linspace(-6, 6, numTrainTimesteps).map((x) =>
        Math.fround(Math.fround(1 / (1 + Math.exp(-x))) * range) +
        Math.fround(betaStart)
      );
    }
    default:
      return signalBetas(alphaBars[config.betaSchedule], numTrainTimesteps);
  }
}

/** `torch.linspace` in float32: each half counts from its own end, and only the sum is rounded. */
function linspace(start: number, end: number, size: number): Float32Array {
  if (size === 1) return Float32Array.of(start);
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const step = Math.fround(Math.fround(last - first) / (size - 1));
  return Float32Array.from(
    { length: size },
    (_, i) => i < size / 2 ? first + step * i : last - step * (size - 1 - i),
  );
}

/** The signal left at u in [0, 1], up to a factor. */
const alphaBars = {
  /** Arxiv 2102.09672, Eq. 17. */
  squaredcos_cap_v2: (u: number) =>
    Math.cos((u + 0.008) / 1.008 * Math.PI / 2) ** 2,
  /** Noise levels from a Laplace distribution, arXiv 2407.03297. */
  laplace: (u: number) => {
    const side = u > 0.5 ? -1 : 1;
    const lambda = -side / 2 * Math.log(1 - 2 * Math.abs(0.5 - u) + 1e-6);
    return Math.sqrt(1 / (1 + Math.exp(-lambda)));
  },
  exp: (u: number) => Math.exp(-12 * u),
};

/** Betas that leave the signal `alphaBar`, capped at 0.999. */
function signalBetas(
  alphaBar: (u: number) => number,
  size: number,
): Float32Array {
  return Float32Array.from(
    { length: size },
    (_, i) =>
      Math.min(1 - alphaBar((i + 1) / size) / alphaBar(i / size), 0.999),
  );
}

/** Algorithm 1 of arXiv 2305.08891: shifts and scales sqrt(alphasCumprod), to end at 0 and keep its start. */
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

type Mix = (schedule: NoiseSchedule, batch: NoisyBatch) => Float32Array;

/**
 * Noisy samples of the forward process: sqrt(a) clean + sqrt(1 - a) noise, with a = alphasCumprod[timestep].
 *
 * @throws {RangeError} If a timestep is no training timestep or the lengths disagree.
 */
export const addNoise: Mix = mixing((a, clean, noise) =>
  Math.sqrt(a) * clean + Math.sqrt(1 - a) * noise
);

/**
 * The velocity target of v-prediction: sqrt(a) noise - sqrt(1 - a) clean (arXiv 2202.00512).
 *
 * @throws {RangeError} If a timestep is no training timestep or the lengths disagree.
 */
export const getVelocity: Mix = mixing((a, clean, noise) =>
  Math.sqrt(a) * noise - Math.sqrt(1 - a) * clean
);

function mixing(
  formula: (a: number, clean: number, noise: number) => number,
): Mix {
  return ({ alphasCumprod }, { clean, noise, timesteps }) => {
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
  };
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
