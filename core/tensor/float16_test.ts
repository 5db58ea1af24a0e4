import { assertEquals } from "@std/assert";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from "./float16.ts";

const allPatterns = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** sign · mantissa · 2^exponent by the definition of the format. */
function decode(bits: number, exponentBits: number): number {
  const mantissaBits = 15 - exponentBits;
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) {
    return fraction === 0 ? sign * Infinity : NaN;
  }
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias)
    : sign * (1 + fraction) * 2 ** (exponent - bias);
}

Deno.test("float16ToFloat32() and bfloat16ToFloat32() follow the definition for every pattern", () => {
  const halves = float16ToFloat32(allPatterns);
  const brains = bfloat16ToFloat32(allPatterns);
  const wrong = [...allPatterns].filter((bits) =>
    !Object.is(halves[bits], decode(bits, 5)) ||
    !Object.is(brains[bits], decode(bits, 8))
  );
  assertEquals(wrong, []);
});

Deno.test("every half pattern but NaN's survives float32 and back, and NaN stays NaN", () => {
  for (
    const [widen, narrow, infinity] of [
      [float16ToFloat32, float32ToFloat16, 0x7c00],
      [bfloat16ToFloat32, float32ToBfloat16, 0x7f80],
    ] as const
  ) {
    const back = narrow(widen(allPatterns));
    const isNaN = (bits: number) => (bits & 0x7fff) > infinity;
    const wrong = [...allPatterns].filter((bits) =>
      isNaN(bits) ? !isNaN(back[bits]) : back[bits] !== bits
    );
    assertEquals(wrong, []);
  }
  const payload = new Float32Array(Uint32Array.of(0x7f800001).buffer);
  assertEquals((float32ToBfloat16(payload)[0] & 0x7f) > 0, true);
});

/** Asserts that midpoints of neighbours round to the even one, and float32 values beside them to the nearer. */
function assertRoundsToEven(
  widen: (bits: Uint16Array) => Float32Array,
  narrow: (values: Float32Array) => Uint16Array,
  largest: number,
) {
  const values = widen(allPatterns);
  const middles = Float32Array.from(
    { length: largest },
    (_, bits) => (values[bits] + values[bits + 1]) / 2,
  );
  const nudged = (by: number) =>
    new Float32Array(
      new Uint32Array(middles.buffer).map((bits) => bits + by).buffer,
    );
  const even = middles.map((_, bits) => bits + bits % 2);
  assertEquals([...narrow(middles)], [...even]);
  assertEquals([...narrow(nudged(-1))], [...middles.keys()]);
  assertEquals([...narrow(nudged(1))], [...middles.keys()].map((b) => b + 1));
}

Deno.test("float32ToFloat16() rounds to nearest, ties to even, subnormals too", () => {
  assertRoundsToEven(float16ToFloat32, float32ToFloat16, 0x7bff);
});

Deno.test("float32ToBfloat16() rounds to nearest, ties to even", () => {
  assertRoundsToEven(bfloat16ToFloat32, float32ToBfloat16, 0x7f7f);
});

Deno.test("float32ToFloat16() overflows to infinity and underflows to signed zero", () => {
  const values = Float32Array.of(
    65519,
    65520,
    -1e9,
    Infinity,
    2 ** -25,
    -1e-30,
  );
  const expected = [0x7bff, 0x7c00, 0xfc00, 0x7c00, 0, 0x8000];
  assertEquals([...float32ToFloat16(values)], expected);
});
