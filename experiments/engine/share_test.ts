import { assertEquals, assertThrows } from "@std/assert";
import { parseShare, shareOf } from "./share.ts";

Deno.test("All shares together are the whole list, in its order", () => {
  const items = Array.from({ length: 10 }, (_, i) => i);
  for (const count of [1, 3, 10, 12]) {
    const shares = Array.from(
      { length: count },
      (_, i) => shareOf(items, parseShare(`${i + 1}/${count}`)),
    );
    assertEquals(shares.flat(), items);
    const lengths = shares.map(({ length }) => length);
    assertEquals(Math.max(...lengths) - Math.min(...lengths) <= 1, true);
  }
});

Deno.test("parseShare() refuses a text that is no share", () => {
  for (const text of ["0/3", "4/3", "1", "1/0", "-1/2", "1/2/3", ""]) {
    assertThrows(() => parseShare(text), RangeError, `it is "${text}"`);
  }
});
