/** Sums of flat arrays of one length, on the host. */

/** a + b. */
export function plus(a: Float32Array, b: Float32Array): Float32Array {
  const sum = new Float32Array(b.length);
  for (let i = 0; i < b.length; i++) sum[i] = a[i] + b[i];
  return sum;
}

/** a + b, in a. */
export function addInto(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i] += b[i];
}

/** factor · a; `a` itself if the factor is 1. */
export function times(a: Float32Array, factor: number): Float32Array {
  if (factor === 1) return a;
  const scaled = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) scaled[i] = factor * a[i];
  return scaled;
}
