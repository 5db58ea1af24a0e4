/** Lists and flat arrays of numbers. */

/** The integers from 0 to count − 1. */
export const range = (count: number): number[] => [...Array(count).keys()];

export const sum = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0);

/** A matrix of zeros, `[rows, columns]`. */
export const zeros = (rows: number, columns: number): number[][] =>
  range(rows).map(() => Array<number>(columns).fill(0));

/** Splits an array into `count` consecutive parts of equal length, which share its data. */
export function rowsOf(array: Float32Array, count: number): Float32Array[] {
  const size = array.length / count;
  return range(count).map((i) => array.subarray(i * size, (i + 1) * size));
}

/** The dot product, summed in float64. */
export function dot<Values extends Float32Array | Float64Array>(
  a: Values,
  b: Values,
): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function meanSquaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
}
