import { assertEquals, assertThrows } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { precisionRecall } from "./precision_recall.ts";

/** Features of one number each, points on a line. */
const line = (...values: number[]) => float32([values.length, 1], values);

Deno.test("precision is the share of samples that references cover, recall the share of references that samples cover", () => {
  // Third neighbours: of 0 and 3 at 3, of 1 and 2 at 2.
  const references = line(0, 1, 2, 3);
  // Third neighbours: of 5 and 9 at 4, of 6 at 3, of 7 at 2.
  const samples = line(5, 6, 7, 9);
  const { precision, recall } = precisionRecall(references, samples);
  assertEquals(precision, 2 / 4); // 5 and 6 lie within 3 of 3
  assertEquals(recall, 3 / 4); // 1, 2 and 3 within 4 of 5; 3 within 3 of 6
});

Deno.test("a set covers itself", () => {
  const set = line(0, 1, 2, 3, 50);
  assertEquals(precisionRecall(set, set), { precision: 1, recall: 1 });
});

Deno.test("precisionRecall() refuses other widths and sets without a third neighbour", () => {
  const four = line(1, 2, 3, 4);
  assertThrows(
    () => precisionRecall(four, float32([2, 2], [1, 2, 3, 4])),
    RangeError,
    "1 and 2 numbers",
  );
  assertThrows(
    () => precisionRecall(four, line(1, 2, 3)),
    RangeError,
    "a set has 3, expected more than 3",
  );
});
