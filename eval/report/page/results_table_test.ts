import { assertEquals } from "@std/assert";
import type { ReportRow } from "../report_data.ts";
import { order } from "./results_table.ts";

const rowOf = (text: string, value?: number) =>
  ({
    cells: [{ text, ...value === undefined ? {} : { value } }],
  }) as unknown as ReportRow;

Deno.test("order() sorts numbers by value, keeps ties, and puts rows without a number last", () => {
  const rows = [rowOf("–"), rowOf("9", 9), rowOf("10", 10), rowOf("9.0", 9)];
  assertEquals(order(rows, 0, "ascending"), [1, 3, 2, 0]);
  assertEquals(order(rows, 0, "descending"), [2, 1, 3, 0]);
  assertEquals(order(rows, 0), [0, 1, 2, 3]);
});

Deno.test("order() sorts names by their text", () => {
  const rows = ["fora", "dip-go", "full"].map((text) => rowOf(text));
  assertEquals(order(rows, 0, "ascending"), [1, 0, 2]);
});
