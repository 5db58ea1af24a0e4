/** 8-bit floats, as files hold weights (Micikevicius et al., 2022, "FP8 formats for deep learning"). */

/** The number of exponent bits of each format. */
const exponentBits = { F8_E4M3: 4, F8_E5M2: 5 } as const;

export type Float8Format = keyof typeof exponentBits;

/** The value of each byte. F8_E5M2 has infinities and NaN as IEEE 754; F8_E4M3 has one NaN for each sign only. */
function table(format: Float8Format): Float32Array {
  const mantissaBits = 7 - exponentBits[format];
  const steps = 2 ** mantissaBits;
  const bias = 2 ** (exponentBits[format] - 1) - 1;
  const magnitude = (bits: number) => {
    const exponent = bits >> mantissaBits;
    const fraction = (bits & (steps - 1)) / steps;
    if (bits === 127) return NaN;
    if (format === "F8_E5M2" && exponent === 31) {
      return fraction ? NaN : Infinity;
    }
    return exponent === 0
      ? fraction * 2 ** (1 - bias)
      : (1 + fraction) * 2 ** (exponent - bias);
  };
  return Float32Array.from(
    { length: 256 },
    (_, byte) => (byte < 128 ? 1 : -1) * magnitude(byte & 127),
  );
}

const tables = { F8_E4M3: table("F8_E4M3"), F8_E5M2: table("F8_E5M2") };

/** The float32 values of 8-bit floats; exact. */
export const float8ToFloat32 = (
  bytes: Uint8Array,
  format: Float8Format,
): Float32Array<ArrayBuffer> =>
  Float32Array.from(bytes, (byte) => tables[format][byte]);
