/** `bench gpu` in a packed folder: measures, and prints each model's figures as soon as it is done. */
import { gpuLines, measureGpu } from "@dip-go/eval/bench/gpu";
import { command, finish } from "../options/command.ts";
import { gpuForm, gpuRequest } from "./gpu_options.ts";

const gpu = command(gpuForm, async (values) => {
  const request = gpuRequest(values);
  if ("pack" in request) {
    throw new TypeError(
      "Cannot pack: this is a packed folder, expected the repository",
    );
  }
  for await (const measurement of measureGpu(request)) {
    console.log(gpuLines(measurement).join("\n"));
  }
  return [];
});

finish(await gpu(Deno.args));
