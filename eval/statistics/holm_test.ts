import { assertAlmostEquals, assertEquals } from "@std/assert";
import { holm, pValue } from "./holm.ts";

Deno.test("holm() compares the least p-value with 0.05 over their count, the next with 0.05 over one less", () => {
  assertEquals(holm([]), []);
  assertEquals(holm([0.049]), [true]);
  assertEquals(holm([0.02, 0.02, 0.02]), [false, false, false]);
  assertEquals(holm([0.04, 0.016, 0.024]), [true, true, true]);
  assertEquals(holm([0.04, 0.016, 0.026]), [false, true, false]);
});

Deno.test("pValue() is 0.05 if the interval's side that faces 0 ends at 0", () => {
  const at = (low: number, high: number) =>
    pValue({ difference: 1, low, high });
  assertAlmostEquals(at(0, 9), 0.05, 1e-6);
  assertAlmostEquals(at(0.5, 9), 8.8e-5, 1e-6);
  const below = pValue({ difference: -1, low: -9, high: 0 });
  assertAlmostEquals(below, 0.05, 1e-6);
  assertEquals(pValue({ difference: 2, low: 2, high: 2 }), 0);
  assertEquals(pValue({ difference: 0, low: 0, high: 0 }), 1);
});
