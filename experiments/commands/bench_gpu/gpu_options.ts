/** What `bench gpu` is asked for on the command line. */
import { parseArgs } from "@std/cli/parse-args";
import { devices, precisions } from "@dip-go/core/runtime";
import {
  choiceOption,
  type OptionSource,
  wholeOption,
} from "../options/option_values.ts";
import type { GpuBenchOptions } from "@dip-go/eval/bench";

export const gpuHelp =
  `Measures Stable Diffusion 1.5 (512x512) and DiT-XL/2 (256x256) on a GPU: the full
sampler and SubNets that leave out 0.6 and 0.8 of the MACs, one guided picture
at a time, random weights made on the spot. The three take turns.

Usage: deno task bench gpu [options]
       sh run.sh [options]          in a folder made by --pack

Options:
  --device <d>      webgpu (any GPU with a Vulkan, Metal or Direct3D 12 driver; default) or cuda
  --precision <p>   float16 (default) or float32 (default with --tiny)
  --steps <n>       DDIM steps, from 6 (default 10)
  --rounds <n>      Timed turns of each (default 5)
  --tiny            The same on tiny shapes, in a minute
  --software        Compute in software (SwiftShader, from Debian's package chromium); only with --tiny
  --pack <folder>   Measure nothing; make a folder for a Linux x64 machine with a GPU and without network:
                    Deno, ONNX Runtime with its WebGPU provider, and this script, under 60 MB. There it
                    needs sh, tar, xz, a Vulkan driver and the Vulkan loader (libvulkan.so.1, which is
                    packed too if it is found here). The CUDA provider is not packed: it is larger than that alone
  --help            Print this

At full size: about 10 GB of memory on the host, 14 GB on the GPU (computed).`;

/** Measuring, or packing into a folder. */
export type GpuRequest = GpuBenchOptions | { readonly pack: string } | "help";

/** @throws {TypeError | RangeError} If an option is unknown or its value is not of its kind. */
export function parseGpu(args: readonly string[]): GpuRequest {
  const parsed = parseArgs([...args], {
    boolean: ["help", "tiny", "software"],
    string: ["device", "precision", "steps", "rounds", "pack"],
    default: { device: "webgpu", steps: "10", rounds: "5" },
    unknown(option: string) {
      throw new TypeError(
        `Cannot bench gpu: option ${option} is unknown; see --help`,
      );
    },
  });
  if (parsed.help) return "help";
  if (parsed.pack !== undefined) {
    if (parsed.pack !== "") return { pack: parsed.pack };
    throw new RangeError(
      "Cannot bench gpu: --pack is empty, expected a folder",
    );
  }
  const { tiny, software, precision = tiny ? "float32" : "float16" } = parsed;
  if (software && !tiny) {
    throw new RangeError(
      "Cannot bench gpu: found --software without --tiny; full size would take days",
    );
  }
  return {
    device: choiceOption(sourceOf("device", parsed.device), devices),
    precision: choiceOption(sourceOf("precision", precision), precisions),
    steps: wholeOption(sourceOf("steps", parsed.steps), 6),
    rounds: wholeOption(sourceOf("rounds", parsed.rounds), 1),
    tiny,
    software,
  };
}

const sourceOf = (name: string, text: string): OptionSource => ({
  refusal: "Cannot bench gpu",
  name,
  text,
});
