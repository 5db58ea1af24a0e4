/**
 * Half-precision formats as bit patterns: IEEE 754 binary16 and bfloat16.
 * Widening is exact, narrowing rounds to nearest, ties to even; NaN stays NaN.
 */

/** The float32 values of binary16 bit patterns; exact. */
export const float16ToFloat32 = (
  { buffer, byteOffset, length }: Uint16Array,
): Float32Array =>
  new Float32Array(new Float16Array(buffer, byteOffset, length));

/** binary16 bit patterns of float32 values; past 65504 they round to infinity. */
export const float32ToFloat16 = (values: Float32Array): Uint16Array =>
  new Uint16Array(new Float16Array(values).buffer);

/** The float32 values of bfloat16 bit patterns; exact. */
export function bfloat16ToFloat32(brains: Uint16Array): Float32Array {
  const bits = new Uint32Array(brains.length);
  for (let i = 0; i < bits.length; i++) bits[i] = brains[i] << 16;
  return new Float32Array(bits.buffer);
}

/** bfloat16 bit patterns of float32 values. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const brains = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const upper = bits[i] >>> 16;
    brains[i] = Number.isNaN(values[i])
      ? upper | 0x40 // a NaN's upper half alone might be infinity
      : bits[i] + 0x7fff + (upper & 1) >>> 16;
  }
  return brains;
}
