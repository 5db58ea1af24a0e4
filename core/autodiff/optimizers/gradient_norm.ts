/** The global gradient norm, and clipping to it. */

/** √Σ g², accumulated in float64. */
export function gradientNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i] * gradient[i];
  return Math.sqrt(sum);
}

/** Scales `gradient` in place to a norm of at most `limit`; returns the norm before. */
export function clipGradient(gradient: Float32Array, limit: number): number {
  const norm = gradientNorm(gradient);
  if (norm > limit) {
    const scale = limit / norm;
    for (let i = 0; i < gradient.length; i++) gradient[i] *= scale;
  }
  return norm;
}
