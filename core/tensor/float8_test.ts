import { assertEquals } from "@std/assert";
import { type Float8Format, float8ToFloat32 } from "./float8.ts";

/** Bytes, and the values that PyTorch reads in them. */
const bytes = Uint8Array.of(
  ...[0, 1, 7, 8, 9, 0x38, 0x3c, 0x7b],
  ...[0x7c, 0x7e, 0x7f, 0x81, 0xbf, 0xfc, 0xff],
);
const expected: Readonly<Record<Float8Format, readonly number[]>> = {
  F8_E4M3: [
    ...[0, 2 ** -9, 7 * 2 ** -9, 2 ** -6, 9 * 2 ** -9, 1, 1.5, 352],
    ...[384, 448, NaN, -(2 ** -9), -1.875, -384, NaN],
  ],
  F8_E5M2: [
    ...[0, 2 ** -16, 7 * 2 ** -16, 2 ** -13, 10 * 2 ** -16, 0.5, 1, 57344],
    ...[Infinity, NaN, NaN, -(2 ** -16), -1.75, -Infinity, NaN],
  ],
};

Deno.test("float8ToFloat32() reads both formats as PyTorch does", () => {
  for (const format of ["F8_E4M3", "F8_E5M2"] as const) {
    assertEquals([...float8ToFloat32(bytes, format)], expected[format]);
  }
});
