/**
 * Classifier-free guidance (Ho and Salimans, 2021): the network computes two
 * halves of a batch, conditional half first. At a scale of 1 or less it runs
 * once, on the conditional half, as diffusers does.
 */
import type { BlockGraph } from "../models/block_graph/block_graph.ts";
import { joinedArrays } from "../tensor/batch.ts";
import { int64, sizeOf, type Tensor } from "../tensor/tensor.ts";

/** Whether a guidance scale needs both halves. */
export const isGuided = (scale: number): boolean => scale > 1;

/** The number of halves that the network computes at a guidance scale. */
export const halvesOf = (scale: number): 1 | 2 => isGuided(scale) ? 2 : 1;

/** The guidance scales of a batch. */
export interface GuidanceScales {
  /** The scale of all pictures; it decides whether the network runs once or twice. */
  readonly scale: number;
  /** A scale for each picture, if they differ; a scale of 1 or less takes the conditional half unchanged. */
  readonly scales?: readonly number[];
}

/**
 * The shape of the latents that a network samples, `[B, C, H, W]`.
 *
 * @param network A network of batch 2B if both halves are computed, else B.
 */
export function latentsShape(
  { inputs: [{ shape: [batch, ...rest] }] }: Pick<BlockGraph, "inputs">,
  scale: number,
): number[] {
  return [batch / halvesOf(scale), ...rest];
}

/** Repeats latents for each half, `[B, ...]` → `[2B, ...]`; returns them unchanged if there is one half. */
export function inHalves(x: Float32Array, scale: number): Float32Array {
  return isGuided(scale) ? joinedArrays([x, x]) : x;
}

/** The classes of B samples, `[B]`; if guided followed by the null class for the other half, `[2B]`. */
export function classLabels(
  labels: readonly number[],
  { guided, nullClass }: { guided: boolean; nullClass: number },
): Tensor<"int64"> {
  const all = guided ? [...labels, ...labels.map(() => nullClass)] : labels;
  return int64([all.length], [...all]);
}

/**
 * Computes e = u + s (c − u) from a prediction `[2B, C', H, W]`, c in its first
 * half, whose first C channels are the noise (or v) and whose others, a learned
 * variance, are left out. At a scale of 1 or less e = c, of `[B, C', H, W]`.
 *
 * @param latents Shape of the latents, `[B, C, H, W]`.
 * @returns `[B, C, H, W]`.
 */
export function guide(
  prediction: Float32Array,
  { latents, scale: all, scales }: GuidanceScales & {
    readonly latents: readonly number[];
  },
): Float32Array {
  const [batch, ...rest] = latents;
  const size = sizeOf(rest);
  const halves = halvesOf(all);
  const stride = prediction.length / (halves * batch);
  const guided = new Float32Array(batch * size);
  for (let b = 0; b < batch; b++) {
    const [c, u] = [b * stride, (batch + b) * stride];
    const scale = scales?.[b] ?? all;
    if (halves === 1 || !isGuided(scale)) {
      guided.set(prediction.subarray(c, c + size), b * size);
      continue;
    }
    for (let i = 0; i < size; i++) {
      const unconditional = prediction[u + i];
      guided[b * size + i] = unconditional +
        scale * (prediction[c + i] - unconditional);
    }
  }
  return guided;
}

/**
 * Brings guided predictions back to the spread of the conditional ones, each
 * sample by itself (Lin et al., arXiv 2305.08891, eq. 15 and 16):
 * φ e σ(c)/σ(e) + (1 − φ) e, σ the standard deviation within a sample.
 *
 * @param guided e, `[B, C, H, W]`.
 * @param prediction The network's prediction, `[2B, C', H, W]`, c in its first half.
 */
export function rescaled(
  guided: Float32Array,
  prediction: Float32Array,
  { batch, rescale }: { batch: number; rescale: number },
): Float32Array {
  const size = guided.length / batch;
  const stride = prediction.length / (2 * batch);
  const factors = Array.from({ length: batch }, (_, b) => {
    const e = guided.subarray(b * size, (b + 1) * size);
    const c = prediction.subarray(b * stride, b * stride + size);
    return rescale * spreadOf(c) / spreadOf(e) + 1 - rescale;
  });
  return guided.map((value, i) => factors[Math.floor(i / size)] * value);
}

/**
 * Refuses to rescale guidance, in code that knows only scale and halves.
 *
 * @param doing The refused action, as the error names it: "export".
 * @throws {TypeError} If `guidanceRescale` is not 0.
 */
export function refuseRescale(
  { guidanceRescale = 0 }: { readonly guidanceRescale?: number },
  doing: string,
): void {
  if (guidanceRescale === 0) return;
  throw new TypeError(
    `Cannot ${doing}: guidanceRescale is ${guidanceRescale}, expected none; only the full sampler does it`,
  );
}

/** The standard deviation, times a constant that depends on the length alone. */
function spreadOf(values: Float32Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0));
}
