import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { spreadTimesteps } from "./sd_shapes.ts";
import { SplitMix32 } from "../data/uniform.ts";

Deno.test("spreadTimesteps() puts a batch's timesteps in order, by the shares, with the last quarter from 700 on", () => {
  const { uniform } = new SplitMix32(8);
  const all: number[] = [];
  for (let n = 0; n < 500; n++) {
    const timesteps = spreadTimesteps(16, uniform);
    assertEquals(timesteps, timesteps.toSorted((a, b) => a - b));
    assertEquals(timesteps.filter((t) => t >= 700).length, 4);
    all.push(...timesteps);
  }
  assert(all.every((t) => Number.isInteger(t) && t >= 0 && t < 1000));
  const share = (from: number, to: number) =>
    all.filter((t) => t >= from && t < to).length / all.length;
  assertAlmostEquals(share(0, 250), 0.15, 0.01);
  assertAlmostEquals(share(250, 475), 0.3, 0.01);
  assertAlmostEquals(share(700, 850), 0.125, 0.01);
});
