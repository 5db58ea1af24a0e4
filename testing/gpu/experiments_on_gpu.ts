/** `deno task test:gpu`: the commands on a GPU in software. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { decode } from "fast-png";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { generateCommand } from "@dip-go/experiments/commands";
import { runExperiment } from "@dip-go/experiments/run";
import { withTiny } from "../runs/tiny_experiment.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";

Deno.test({
  ...onSoftwareGpu("generate draws on the GPU what it draws on the CPU"),
  fn: () =>
    inTemporaryFolder(async (folder) => {
      const drawn: number[][] = [];
      for (const device of ["cpu", "webgpu"]) {
        const output = `${folder}/${device}.png`;
        const { error } = await generateCommand([
          ...["--class", "7", "--steps", "2"],
          ...["--device", device, "-o", output],
        ]);
        assertEquals(error, undefined);
        drawn.push([...decode(await Deno.readFile(output)).data]);
      }
      const [cpu, gpu] = drawn;
      assertEquals(cpu.length, gpu.length);
      assert(new Set(cpu).size > 100);
      assert(cpu.every((value, i) => Math.abs(value - gpu[i]) <= 1));
    }),
});

Deno.test({
  ...onSoftwareGpu("runExperiment() samples and times on the GPU"),
  fn: () =>
    withTiny(async (tiny, options) => {
      const experiment = {
        ...tiny,
        sampler: { ...tiny.sampler, steps: 2 },
        sparsity: [0.5],
        methods: ["uniform-reuse"],
        mainMethod: "uniform-reuse",
        evaluation: { ...tiny.evaluation, pairs: 1, batch: 1 },
        latency: { batches: [1], rounds: 1 },
      };
      const rowsOn = async (device: "cpu" | "webgpu") => {
        const run = { ...options, device };
        const { results } = await runExperiment(experiment, run);
        return results.rows.map(({ method, macs, metrics }) => ({
          method,
          macs,
          psnr: metrics.psnr?.mean,
        }));
      };
      await assertRejects(
        () =>
          runExperiment(experiment, {
            ...options,
            device: "webgpu",
            precision: "float16",
          }),
        TypeError,
        'Cannot run experiment tiny on device "webgpu" in float16: this GPU or its driver has no 16-bit shaders',
      );
      assertEquals(options.lines, []);
      const [, here] = await rowsOn("cpu");
      const [, there] = await rowsOn("webgpu");
      assertEquals([there.method, there.macs], [here.method, here.macs]);
      assert(Math.abs(here.psnr - there.psnr) < 0.05);
    }),
});
