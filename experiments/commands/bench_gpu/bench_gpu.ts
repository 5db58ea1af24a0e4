/** `deno task bench gpu` in the repository: measures or packs. */
import type { CommandResult } from "../options/command.ts";
import { gpuLines, measureGpu } from "@dip-go/eval/bench";
import { gpuHelp, parseGpu } from "./gpu_options.ts";
import { packGpuBench } from "./gpu_pack.ts";

/** @throws As `parseGpu`, `measureGpu` and `packGpuBench`. */
export async function gpuCommand(
  args: readonly string[],
): Promise<CommandResult> {
  const request = parseGpu(args);
  if (request === "help") return { lines: [gpuHelp], exitCode: 0 };
  if ("pack" in request) {
    return { lines: await packGpuBench(request.pack), exitCode: 0 };
  }
  const lines: string[] = [];
  for await (const measurement of measureGpu(request)) {
    lines.push(...gpuLines(measurement));
  }
  return { lines, exitCode: 0 };
}
