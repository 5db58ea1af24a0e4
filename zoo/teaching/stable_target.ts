/**
 * A training target with less variance (Xu, Tong and Jaakkola, "Stable target
 * field", ICLR 2023): if noise hides most of a picture, many clean pictures are
 * possible, and the network learns their mean. Here the mean over a few of them
 * gives the target, instead of the one picture that the noise was added to.
 */

export interface NoisySample {
  /** x_t = α x0 + σ ε. */
  readonly sample: Float32Array;
  readonly alpha: number;
  readonly sigma: number;
}

/**
 * The v of the references' mean, each reference weighted by the likelihood of
 * x_t given it: v = (α x_t − x̂0) / σ, x̂0 = Σ w x0, w ∝ exp(−‖x_t − α x0‖² / 2σ²).
 *
 * @param references Pictures from the distribution of x0, including the one in the sample.
 */
export function stableTarget(
  { sample, alpha, sigma }: NoisySample,
  references: readonly Float32Array[],
): Float32Array {
  const logits = references.map((x0) => {
    let square = 0;
    for (let i = 0; i < x0.length; i++) {
      square += (sample[i] - alpha * x0[i]) ** 2;
    }
    return -square / (2 * sigma ** 2);
  });
  const largest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const target = sample.map((x) => alpha * x / sigma);
  references.forEach((x0, k) => {
    const share = weights[k] / (total * sigma);
    for (let i = 0; i < target.length; i++) target[i] -= share * x0[i];
  });
  return target;
}
