import { assertEquals, assertThrows } from "@std/assert";
import { choiceOption, numberOption, wholeOption } from "./option_values.ts";

const source = (text?: string) => ({ refusal: "Cannot try", name: "n", text });

Deno.test("option values are of their kind, or refused with the option's name", () => {
  assertEquals(wholeOption(source("3"), 3), 3);
  assertEquals(numberOption(source("-2.5")), -2.5);
  assertEquals(choiceOption(source("b"), ["a", "b"]), "b");
  for (const text of ["2", "3.5", "three", "", undefined]) {
    assertThrows(
      () => wholeOption(source(text), 3),
      RangeError,
      `Cannot try: --n is "${text}", expected a whole number from 3`,
    );
  }
  for (const text of ["", "x", "Infinity", undefined]) {
    assertThrows(() => numberOption(source(text)), RangeError, "a number");
  }
  assertThrows(
    () => choiceOption(source("c"), ["a", "b"]),
    RangeError,
    'Cannot try: --n is "c", expected one of a, b',
  );
});
