import { assertAlmostEquals, assertThrows } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { meanSquaredErrors } from "./mean_squared_error.ts";

Deno.test("meanSquaredErrors() is a value a sample", () => {
  const a = float32([2, 1, 2], [1, 2, 0.5, 0]);
  const b = float32([2, 1, 2], [1, 4, 0, 0]);
  const [first, second] = meanSquaredErrors(a, b);
  assertAlmostEquals(first, 2, 1e-12); // (0 + 4) / 2
  assertAlmostEquals(second, 0.125, 1e-12);
  assertThrows(
    () => meanSquaredErrors(a, float32([2, 2], [1, 2, 3, 4])),
    TypeError,
    "found float32[2,1,2] and float32[2,2], expected one shape",
  );
});
