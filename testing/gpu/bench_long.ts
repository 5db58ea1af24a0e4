/** `deno task test:gpu:embedded`: `bench gpu` on a GPU in software. */
import { assert, assertEquals } from "@std/assert";
import { measureGpu } from "@dip-go/eval/bench/gpu";
import { onSoftwareGpu } from "./on_software_gpu.ts";

Deno.test({
  ...onSoftwareGpu("bench gpu measures tiny shapes on a software device"),
  async fn() {
    const options = {
      ...{ device: "webgpu", precision: "float32" } as const,
      ...{ steps: 6, rounds: 1, tiny: true, software: true },
    };
    const measurements = await Array.fromAsync(measureGpu(options));
    assertEquals(measurements.length, 2);
    for (const { offDevice, samplers } of measurements) {
      assertEquals(offDevice, []);
      assertEquals(samplers.map(({ name }) => name), ["full", "0.6", "0.8"]);
      const [full, ...others] = samplers;
      for (const { name, macs, latency } of others) {
        assert(macs <= (1 - Number(name)) * full.macs * (1 + 1e-12));
        assert(latency.median > 0);
      }
    }
  },
});
