/** `deno task bench`: measures speed and memory on this machine. */
import { command, type CommandResult, finish } from "./options/command.ts";
import { fraction, list, whole } from "./options/option_table.ts";
import { benches, writeFigures } from "@dip-go/eval/bench";
import { gpuLines, measureGpu } from "@dip-go/eval/bench/gpu";
import { gpuForm, gpuRequest } from "./bench_gpu/gpu_options.ts";
import { packGpuBench } from "./bench_gpu/gpu_pack.ts";

/** Runs the command on its arguments; errors are part of the result. */
export const benchCommand = (args: readonly string[]): Promise<CommandResult> =>
  args[0] === "gpu" ? gpu(args.slice(1)) : bench(args);

const gpu = command(gpuForm, async (values) => {
  const request = gpuRequest(values);
  return "pack" in request
    ? await packGpuBench(request.pack)
    : (await Array.fromAsync(measureGpu(request), gpuLines)).flat();
});

const bench = command({
  refusal: "Cannot bench",
  about:
    "Measures speed and memory on this machine. The first four compare the full sampler with SubNets: at each sparsity the measured speedup over that of the MACs.",
  usage: ["deno task bench <what> [options]"],
  words: {
    "dit-xl":
      "Full-size DiT-XL/2, random weights (3 GB in results/bench), one guided image",
    "sd-unet":
      "The UNet of full-size Stable Diffusion 1.5, random weights (3.4 GB in results/bench), one guided image",
    "dit-shapes": "The embedded transformer, 8 images and 1",
    "sd-shapes": "The embedded UNet, 8 images and 1",
    peers:
      "One call of these four networks against the graph that an exporter writes for them, and against the machine's rate on large matrix products",
    growth:
      "What a picture of the embedded models costs as steps, pictures at once and their size grow",
    load:
      "Full-size Stable Diffusion 1.5 in float32 and SDXL in 16 bits, random weights (8.6 GB in results/bench): loading beside one reading, the memory of a call beside the file",
    compiled:
      "SubNets of the embedded models, one image, as one graph of all steps against a session a step",
    export:
      "A SubNet compiled, written and opened: time and peak memory; embedded UNet, and that of Stable Diffusion 1.5 in PLMS 50 (3.4 GB in results/bench)",
    gradient:
      "One gradient step over one full sampler pass: embedded models in 50 steps, full-size UNet in 2",
    memory:
      "Peak memory of a gate gradient at 10 and at 50 steps, embedded transformer, one guided image",
    gates:
      "What a search pays to ask what a SubNet costs when one gate changes: DiT-XL/2's attentions and MLPs in 250 steps, no weights",
    guidance:
      "A picture without guidance over one with it: MACs, time and peak memory of the denoiser; embedded models and a UNet half as wide as Stable Diffusion 1.5's",
    "end-to-end":
      "A first guided 512x512 picture in 1, 4 and 10 steps (or --steps) as whole processes, full-size Stable Diffusion 1.5, random weights (4.3 GB in results/bench): time, CPU time, peak memory; beside diffusers where the PATH's python3 has it",
    sd15:
      "The same folder: peak memory of a gradient step at 512x512, and the UNet's rate over that of a large matrix product",
    sd35:
      "One call of full-size Stable Diffusion 3.5 medium at 512x512, random weights in bfloat16 (4.9 GB in results/bench), widened a layer at a time: time, rate, peak memory",
    gpu:
      "DiT-XL/2 and the UNet at full size on a GPU, in float16, or the folder that measures them elsewhere: see `gpu --help`",
    conv:
      "Convolutions, norms and the like, each alone: forward, data gradient, weight gradient",
  },
  options: {
    steps: whole(2)(
      "<n>",
      "Steps of the sampler where SubNets or pictures are measured (default 10 at full size, 20 for embedded models)",
    ),
    sparsity: list(fraction)(
      "<s,...>",
      "Fractions of the MACs that SubNets leave out (default 0.5,0.6,0.7,0.8,0.9; 0.8 in growth)",
    ),
    rounds: whole(1)(
      "<n>",
      "Timed runs of each, taking turns, except in memory, end-to-end and sd15 (default 9 for SubNets of embedded models, 3 for others and in growth)",
    ),
  },
  notes:
    "Figures are written to results/bench/<what>.json, with the machine. The SubNets' gates follow a rule: some steps whole, some in part, the others held. Close other programs before you measure.",
}, async ({ sparsity: sparsities, ...options }, words) => {
  const name = String(words[0]);
  if (words.length !== 1 || !Object.hasOwn(benches, name)) {
    throw new TypeError(
      `Cannot bench: found "${words.join(" ")}", expected one of ${
        [...Object.keys(benches), "gpu"].join(", ")
      }; see --help`,
    );
  }
  const asked = { ...options, sparsities };
  const { lines, figures } = await benches[name](asked);
  const path = await writeFigures("results/bench", name, figures);
  return [...lines, `written to ${path}`];
});

if (import.meta.main) finish(await benchCommand(Deno.args));
