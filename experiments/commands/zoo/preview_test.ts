import { assertEquals } from "@std/assert";
import { contactSheet } from "./preview.ts";

Deno.test("contactSheet() has a column for each colour and rows of samples for each shape", () => {
  const { width, height, data } = contactSheet({ samples: 1, seed: 0 });
  assertEquals([width, height], [6 * 24 * 4, 5 * 24 * 4]);
  assertEquals(data.length, width * height * 3);
});
