/** `bench gpu` where it was packed: measures, and prints each model as it is done. */
import { gpuLines, measureGpu } from "@dip-go/eval/bench/gpu";
import { gpuHelp, parseGpu } from "./gpu_options.ts";

try {
  const request = parseGpu(Deno.args);
  if (request === "help") console.log(gpuHelp);
  else if ("pack" in request) {
    throw new TypeError(
      "Cannot pack: this is a packed folder, expected the repository",
    );
  } else {
    for await (const measurement of measureGpu(request)) {
      console.log(gpuLines(measurement).join("\n"));
    }
  }
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  Deno.exitCode = 1;
}
