/**
 * Classifier-free guidance (Ho and Salimans, 2021) as the DiT pipeline applies
 * it: the batch is doubled, conditional half first.
 */
import { int64, sizeOf, type Tensor } from "../tensor/tensor.ts";

/** The latents twice, `[B, ...]` → `[2B, ...]`. */
export function twice(x: Float32Array): Float32Array {
  const doubled = new Float32Array(2 * x.length);
  doubled.set(x);
  doubled.set(x, x.length);
  return doubled;
}

/** The classes of B samples and, for the half that guidance leads away from, the null class: `[2B]`. */
export function guidedLabels(
  labels: readonly number[],
  nullClass: number,
): Tensor<"int64"> {
  const nulls = labels.map(() => nullClass);
  return int64([2 * labels.length], [...labels, ...nulls]);
}

/**
 * e = u + s (c − u) from a prediction `[2B, C', H, W]`, whose first C channels
 * are the noise (or v) and whose rest, a learned variance, is left out.
 *
 * @param latents Shape of the latents, `[B, C, H, W]`.
 * @returns `[B, C, H, W]`.
 */
export function guide(
  prediction: Float32Array,
  { latents, scale }: { latents: readonly number[]; scale: number },
): Float32Array {
  const [batch, ...rest] = latents;
  const size = sizeOf(rest);
  const stride = prediction.length / (2 * batch);
  const guided = new Float32Array(batch * size);
  for (let b = 0; b < batch; b++) {
    const [c, u] = [b * stride, (batch + b) * stride];
    for (let i = 0; i < size; i++) {
      const unconditional = prediction[u + i];
      guided[b * size + i] = unconditional +
        scale * (prediction[c + i] - unconditional);
    }
  }
  return guided;
}

/**
 * VJP of {@linkcode guide}: dc = s de, du = (1 − s) de; the learned variance gets none.
 *
 * @param cotangent Of the guided prediction, `[B, C, H, W]`.
 * @param size Elements of the prediction, `[2B, C', H, W]`.
 */
export function guideVjp(
  cotangent: Float32Array,
  { batch, scale, size }: { batch: number; scale: number; size: number },
): Float32Array {
  const back = new Float32Array(size);
  const stride = size / (2 * batch);
  const own = cotangent.length / batch;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < own; i++) {
      const d = cotangent[b * own + i];
      back[b * stride + i] = scale * d;
      back[(batch + b) * stride + i] = (1 - scale) * d;
    }
  }
  return back;
}

/** VJP of {@linkcode twice}: the halves added, `[2B, ...]` → `[B, ...]`. */
export function twiceVjp(cotangent: Float32Array): Float32Array {
  const half = cotangent.length / 2;
  return cotangent.slice(0, half).map((d, i) => d + cotangent[half + i]);
}
