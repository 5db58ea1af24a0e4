import { assertEquals } from "@std/assert";
import { glyphAdvance, glyphHeight, inkedPixels } from "./bitmap_font.ts";

const drawable = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-+=/%_()?";

Deno.test("inkedPixels() draws every character inside its cell, no two alike", () => {
  const drawings = [...drawable].map((character) => inkedPixels(character));
  for (const [x, y] of drawings.flat()) {
    assertEquals(x < glyphAdvance - 1 && y < glyphHeight, true);
  }
  assertEquals(new Set(drawings.map(String)).size, drawable.length);
});

Deno.test("inkedPixels() advances by a cell, capitalises, and replaces characters without a glyph", () => {
  assertEquals(inkedPixels(" -"), [[7, 3], [8, 3], [9, 3]]);
  assertEquals(inkedPixels("a"), inkedPixels("A"));
  assertEquals(inkedPixels("ß~"), inkedPixels("SS?"));
});
