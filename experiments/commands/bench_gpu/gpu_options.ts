/** What `bench gpu` is asked for on the command line. */
import { devices, precisions } from "@dip-go/core/runtime";
import type { GpuBenchOptions } from "@dip-go/eval/bench";
import { Options } from "../options/options.ts";

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
  const options = new Options(args, {
    refusal: "Cannot bench gpu",
    flags: ["tiny", "software"],
    values: {
      device: "webgpu",
      precision: undefined,
      steps: "10",
      rounds: "5",
      pack: undefined,
    },
  });
  if (options.has("help")) return "help";
  const pack = options.path("pack");
  if (pack !== undefined) return { pack };
  const [tiny, software] = [options.has("tiny"), options.has("software")];
  if (software && !tiny) {
    throw new RangeError(
      "Cannot bench gpu: found --software without --tiny; full size would take days",
    );
  }
  return {
    device: options.choice("device", devices),
    precision: options.text("precision") === undefined
      ? tiny ? "float32" : "float16"
      : options.choice("precision", precisions),
    steps: options.whole("steps", 6),
    rounds: options.whole("rounds", 1),
    tiny,
    software,
  };
}
