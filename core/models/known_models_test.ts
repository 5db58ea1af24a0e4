import { assertEquals, assertThrows } from "@std/assert";
import { knownModel } from "./known_models.ts";

Deno.test("knownModel() has DiT at both published sizes", () => {
  assertEquals(knownModel("dit-xl-2-256").config.sampleSize, 32);
  assertEquals(knownModel("dit-xl-2-512").config.sampleSize, 64);
});

Deno.test("knownModel() lists the names it knows", () => {
  assertThrows(
    () => knownModel("dit-xl"),
    RangeError,
    `Cannot find model "dit-xl": known are dit-xl-2-256, dit-xl-2-512`,
  );
  assertThrows(() => knownModel("toString"), RangeError);
});
