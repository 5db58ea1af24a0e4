/**
 * Half-precision formats as bit patterns: IEEE 754 binary16 and bfloat16.
 * Widening is exact, narrowing rounds to nearest, ties to even. All of it is
 * integer arithmetic, so that NaN payloads survive too.
 */

/** The float32 values of binary16 bit patterns; exact. */
export function float16ToFloat32(halves: Uint16Array): Float32Array {
  return mapToFloat32(halves, (half) => {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0x1f) return sign | 0x7f800000 | (mantissa << 13);
    if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
    if (mantissa === 0) return sign;
    const shift = Math.clz32(mantissa) - 21; // a subnormal is normal in float32
    const normal = (mantissa << shift) & 0x3ff;
    return sign | ((113 - shift) << 23) | (normal << 13);
  });
}

/** binary16 bit patterns of float32 values; past 65504 they round to infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  return mapFromFloat32(values, (magnitude) => {
    if (magnitude > 0x7f800000) { // NaN: keep what fits of its payload
      return 0x7c00 | (((magnitude >>> 13) & 0x3ff) || 0x200);
    }
    if (magnitude >= 0x47800000) return 0x7c00; // 2^16 and infinity
    const exponent = magnitude >>> 23;
    if (exponent >= 113) return roundShift(magnitude - (112 << 23), 13);
    if (exponent < 102) return 0; // below half of 2^-24, the least subnormal
    return roundShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
  });
}

/** The float32 values of bfloat16 bit patterns; exact. */
export function bfloat16ToFloat32(brains: Uint16Array): Float32Array {
  return mapToFloat32(brains, (brain) => brain << 16);
}

/** bfloat16 bit patterns of float32 values. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  return mapFromFloat32(values, (magnitude) => {
    if (magnitude <= 0x7f800000) return roundShift(magnitude, 16);
    const kept = magnitude >>> 16; // NaN: never round it to infinity
    return (kept & 0x7f) === 0 ? kept | 0x40 : kept;
  });
}

/** bits / 2^shift, to nearest, ties to even. */
function roundShift(bits: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const odd = (bits >>> shift) & 1;
  return (bits + half - 1 + odd) >>> shift;
}

function mapToFloat32(
  narrow: Uint16Array,
  widen: (bits: number) => number,
): Float32Array {
  const bits = new Uint32Array(narrow.length);
  for (let i = 0; i < bits.length; i++) bits[i] = widen(narrow[i]);
  return new Float32Array(bits.buffer);
}

/** `narrow` sees the bits without the sign. */
function mapFromFloat32(
  values: Float32Array,
  narrow: (magnitude: number) => number,
): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    result[i] = ((bits[i] >>> 16) & 0x8000) | narrow(bits[i] & 0x7fffffff);
  }
  return result;
}
