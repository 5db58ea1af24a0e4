import { assertEquals, assertThrows } from "@std/assert";
import { knownModel } from "./known_models.ts";

Deno.test("knownModel() has the published sizes", () => {
  const sizeOf = (name: string) => knownModel(name).config.sampleSize;
  assertEquals(sizeOf("dit-xl-2-256"), 32);
  assertEquals(sizeOf("dit-xl-2-512"), 64);
  assertEquals(sizeOf("pixart-alpha-512"), 64);
  assertEquals(sizeOf("pixart-alpha-1024"), 128);
  assertEquals(sizeOf("sd-1.5"), 64);
  assertEquals(sizeOf("sd-2.1"), 96);
  assertEquals(sizeOf("sd-2.1-base"), 64);
  assertEquals(sizeOf("sdxl"), 128);
});

Deno.test("knownModel() lists the known names in its error", () => {
  assertThrows(
    () => knownModel("dit-xl"),
    RangeError,
    `Cannot find model "dit-xl": known are bk-sdm-base, bk-sdm-small, dit-xl-2-256`,
  );
  assertThrows(() => knownModel("toString"), RangeError);
});
