/** Gates on features on the host: plain loops over equally long arrays. */

/** g a + (1 − g) b; `a` itself where g is 1 or there is no b. */
export function blend(
  a: Float32Array,
  b: Float32Array | undefined,
  g: number,
): Float32Array {
  if (g === 1 || !b) return a;
  const mixed = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) mixed[i] = g * a[i] + (1 - g) * b[i];
  return mixed;
}

/**
 * ⟨d, a − b⟩ of each sample, in float64. The arrays are `[2B, ...]`, both halves
 * of guidance; sample i lies at rows i and B + i.
 *
 * @returns `[B]`
 */
export function projections(
  d: Float32Array,
  a: Float32Array,
  b: Float32Array,
  samples: number,
): Float64Array {
  const size = d.length / (2 * samples);
  const sums = new Float64Array(samples);
  for (let row = 0; row < 2 * samples; row++) {
    // Two sums at once: each addition need not wait for the one before.
    let [even, odd] = [0, 0];
    const end = (row + 1) * size;
    let i = row * size;
    for (; i + 1 < end; i += 2) {
      even += d[i] * (a[i] - b[i]);
      odd += d[i + 1] * (a[i + 1] - b[i + 1]);
    }
    if (i < end) even += d[i] * (a[i] - b[i]);
    sums[row % samples] += even + odd;
  }
  return sums;
}
