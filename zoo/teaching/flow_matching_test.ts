import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { SplitMix32 } from "../data/uniform.ts";
import { flowBatch } from "./flow_matching.ts";

Deno.test("flowBatch() goes straight from clean latents to noise, with most times around the middle", () => {
  const { uniform } = new SplitMix32(5);
  const [batch, size] = [400, 6];
  const values = Float32Array.from({ length: batch * size }, uniform);
  const clean = float32([batch, 1, 2, 3], values);
  const { sample, timestep, target, weight } = flowBatch(clean, uniform);
  assertEquals([weight.shape, timestep.shape], [[batch, 1, 1, 1], [batch]]);
  sample.data.forEach((x, i) => {
    const sigma = timestep.data[Math.floor(i / size)] / 1000;
    assertAlmostEquals(x - sigma * target.data[i], values[i], 1e-5);
  });
  const middle = timestep.data.filter((t) => t > 269 && t < 731); // z within 1
  assert(Math.abs(middle.length / batch - 0.683) < 0.06, `${middle.length}`);
});
