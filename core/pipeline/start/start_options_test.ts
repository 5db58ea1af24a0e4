import { assertEquals, assertThrows } from "@std/assert";
import { checkStrength, skippedSteps, stepsUntil } from "./start_options.ts";

Deno.test("skippedSteps() keeps the last steps, cut to a whole number as diffusers does", () => {
  assertEquals(skippedSteps(8, { strength: 0.6 }), 4);
  assertEquals(skippedSteps(10, { strength: 1 }), 0);
  assertEquals(skippedSteps(100, { strength: 0.29 }), 72); // 28.999999999999996 steps
  const whole = { strength: 0.45, roundsUp: true };
  assertEquals(skippedSteps(5, whole), 2); // 2.75, cut as FLUX and SD3 do
});

Deno.test("checkStrength() and skippedSteps() refuse a strength outside (0, 1], or without a step", () => {
  for (const strength of [0, -1, 1.5, NaN]) {
    assertThrows(
      () => checkStrength(strength),
      RangeError,
      `strength is ${strength}, expected a number above 0, at most 1`,
    );
  }
  assertThrows(
    () => skippedSteps(4, { strength: 0.2 }),
    RangeError,
    "leaves none of 4 steps, expected at least 0.25",
  );
});

Deno.test("stepsUntil() counts the steps above a part of the training's timesteps", () => {
  const timesteps = [801, 601, 401, 201, 1];
  const count = (part: number) =>
    stepsUntil(timesteps, { part, trained: 1000 });
  assertEquals(count(0.6), 3);
  assertEquals(count(0.3), 1);
  const near = { part: 0.9975, trained: 1000 }; // up to timestep 2.5, which Python rounds to 2
  assertEquals(stepsUntil([3, 2, 1], near), 2);
  for (const part of [0, 0.1, 1, 1.2, NaN]) {
    assertThrows(
      () => count(part),
      RangeError,
      `Cannot part 5 steps at ${part}`,
    );
  }
});
