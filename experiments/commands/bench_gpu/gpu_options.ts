/** The options of `bench gpu`, and the request that they make. */
import { devices, floatPrecisions } from "@dip-go/core/runtime";
import type { GpuBenchOptions } from "@dip-go/eval/bench/gpu";
import {
  type CommandForm,
  flag,
  oneOf,
  type OptionValues,
  path,
  whole,
} from "../options/option_table.ts";

export const gpuForm = {
  refusal: "Cannot bench gpu",
  about:
    "Measures Stable Diffusion 1.5 (512x512) and DiT-XL/2 (256x256) on a GPU: the full sampler and SubNets that leave out 0.6 and 0.8 of the MACs, one guided picture at a time, random weights made on the spot. The three take turns.",
  usage: [
    "deno task bench gpu [options]",
    "sh run.sh [options]          in a folder made by --pack",
  ],
  options: {
    device: oneOf(devices)(
      "<d>",
      "webgpu (any GPU with a Vulkan, Metal or Direct3D 12 driver) or cuda",
      { default: "webgpu" },
    ),
    precision: oneOf(floatPrecisions)(
      "<p>",
      "float16 (default) or float32 (default with --tiny)",
    ),
    steps: whole(6)("<n>", "DDIM steps, from 6", { default: "10" }),
    rounds: whole(1)("<n>", "Timed turns of each", { default: "5" }),
    tiny: flag("The same on tiny shapes, in a minute"),
    software: flag(
      "Compute in software (SwiftShader, from Debian's package chromium); only with --tiny",
    ),
    pack: path(
      "<folder>",
      "Measure nothing; make a folder for a Linux x64 machine with a GPU and without network: Deno, ONNX Runtime with its WebGPU provider, and this script, under 60 MB. There it needs sh, tar, xz, a Vulkan driver and the Vulkan loader (libvulkan.so.1, which is packed too if it is found here). The CUDA provider is not packed: it is larger than that alone",
    ),
  },
  notes:
    "At full size: about 10 GB of memory on the host, 14 GB on the GPU (computed).",
} satisfies CommandForm;

/** The request to measure, or to pack a folder. @throws {RangeError} If full size is asked of a CPU. */
export function gpuRequest(
  { pack, precision, ...options }: OptionValues<typeof gpuForm.options>,
): GpuBenchOptions | { readonly pack: string } {
  if (pack !== undefined) return { pack };
  const { tiny, software, device } = options;
  if (!tiny && (software || device === "cpu")) {
    throw new RangeError(
      `Cannot bench gpu: found ${
        software ? "--software" : "--device cpu"
      } without --tiny; full size would take days`,
    );
  }
  return { ...options, precision: precision ?? (tiny ? "float32" : "float16") };
}
