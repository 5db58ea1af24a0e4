/** Numbers of 8 bits as networks are stored in (Micikevicius et al., 2022, "FP8 formats for deep learning"). */

/** How many bits a format gives to its exponent, and whether its highest exponent means infinity as in IEEE 754. */
interface Format {
  readonly exponentBits: number;
  readonly hasInfinity: boolean;
}

const formats = {
  F8_E4M3: { exponentBits: 4, hasInfinity: false },
  F8_E5M2: { exponentBits: 5, hasInfinity: true },
} as const satisfies Record<string, Format>;

export type Float8Format = keyof typeof formats;

/** The value of each byte. */
function table({ exponentBits, hasInfinity }: Format): Float32Array {
  const mantissaBits = 7 - exponentBits;
  const steps = 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const highest = 2 ** exponentBits - 1;
  const magnitude = (bits: number) => {
    const exponent = bits >> mantissaBits;
    const fraction = (bits & (steps - 1)) / steps;
    if (exponent === highest && hasInfinity) return fraction ? NaN : Infinity;
    if (bits === 127) return NaN; // the only one of a format without infinity
    return exponent === 0
      ? fraction * 2 ** (1 - bias)
      : (1 + fraction) * 2 ** (exponent - bias);
  };
  return Float32Array.from(
    { length: 256 },
    (_, byte) => (byte < 128 ? 1 : -1) * magnitude(byte & 127),
  );
}

const tables: Readonly<Record<Float8Format, Float32Array>> = {
  F8_E4M3: table(formats.F8_E4M3),
  F8_E5M2: table(formats.F8_E5M2),
};

/** The same values in float32, exactly. */
export function float8ToFloat32(
  bytes: Uint8Array,
  format: Float8Format,
): Float32Array<ArrayBuffer> {
  const values = tables[format];
  const wide = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) wide[i] = values[bytes[i]];
  return wide;
}
