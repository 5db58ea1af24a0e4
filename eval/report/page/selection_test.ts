import { assertEquals } from "@std/assert";
import { type Selected, Selection } from "./selection.ts";

Deno.test("Selection tells its listeners the selected row and pair, now and after every change", () => {
  const heard: Selected[] = [];
  const selection = new Selection({ row: 0, pair: 0 }, () => 8);
  selection.listen((selected) => heard.push(selected));
  selection.select({ row: 3 });
  selection.select({ pair: 2 });
  assertEquals(heard, [
    { row: 0, pair: 0 },
    { row: 3, pair: 0 },
    { row: 3, pair: 2 },
  ]);
});

Deno.test("Selection keeps the pair over a row without pictures, and takes the last of a row with fewer", () => {
  const selection = new Selection({ row: 0, pair: 4 }, (row) => [8, 0, 3][row]);
  selection.select({ row: 1 });
  assertEquals([selection.row, selection.pair], [1, 4]);
  selection.select({ row: 2 });
  assertEquals([selection.row, selection.pair], [2, 2]);
});
