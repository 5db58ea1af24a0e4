import { assertEquals } from "@std/assert";
import { alignedLines } from "./aligned_lines.ts";

Deno.test("alignedLines() sets text flush left and numbers flush right", () => {
  const rows = [["name", "n"], ["a", "100"]];
  assertEquals(alignedLines(rows, { left: 1 }), ["name    n", "a     100"]);
});
