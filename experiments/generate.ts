/**
 * `deno task generate`: pictures of a class from a DiT, or of a prompt from a
 * Stable Diffusion pipeline, with the full sampler or a SubNet's gates. The
 * settings travel in the PNG's text chunks.
 */
import { unstacked } from "../core/batch.ts";
import { modelFolder } from "../core/hub/model_folder.ts";
import {
  blockGraphOf,
  type LoadedModel,
  loadModel,
} from "../core/models/load.ts";
import { ownScheduler } from "../core/pipeline/own_scheduler.ts";
import {
  loadAutoencoder,
  openPictureDecoder,
} from "../core/pipeline/picture_decoder.ts";
import { TorchGenerator } from "../core/random.ts";
import { drawStepNoise, makeSampler } from "../core/samplers/mod.ts";
import type { Tensor } from "../core/tensor.ts";
import { imageGrid } from "../eval/image_grid.ts";
import { writePng } from "../eval/png.ts";
import { openSubNet } from "../supernet/fused_sub_net.ts";
import { denseGates, type GatesFile, parseGates } from "../supernet/gates.ts";
import { subNetMacs } from "../supernet/liveness.ts";
import { SubNetRunner } from "../supernet/sub_net.ts";
import { type SuperNet, superNet } from "../supernet/super_net.ts";
import {
  generateHelp,
  type GenerateOptions,
  parseGenerate,
} from "./generate_options.ts";
import { openConditioner } from "./subjects.ts";

async function readGates(
  path: string,
  net: SuperNet,
): Promise<GatesFile["gates"]> {
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new TypeError(
      `Cannot read gates ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const file = parseGates(json, path);
  if (file.blocks.join() !== net.units.join()) {
    throw new RangeError(
      `Cannot use gates ${path}: its units are [${file.blocks}], expected [${net.units}]`,
    );
  }
  return file.gates;
}

/** What the network reads besides latents and timestep: batch 2B, the half that guidance leads away from last. */
async function conditioningOf(
  model: LoadedModel,
  { model: folder, subject, batch }: GenerateOptions,
): Promise<Record<string, Tensor>> {
  const { prompt, negativePrompt } = typeof subject === "number"
    ? { prompt: subject, negativePrompt: "" }
    : subject;
  const options = { negativePrompt };
  await using conditioner = await openConditioner(model, folder, options);
  return await conditioner.conditioning(Array(batch).fill(prompt));
}

/** The final latents, `[B, C, H, W]`, and the MACs that one picture took. */
async function sampled(
  options: GenerateOptions,
): Promise<{ latents: Tensor<"float32">; macs: number }> {
  const model = await loadModel(options.model);
  const { batch, seed, guidanceScale, granularity } = options;
  const conditioning = await conditioningOf(model, options);
  const scheduler = await ownScheduler(model, {
    task: `generate with ${options.model}`,
  });
  const { sampler: kind, steps } = options;
  const sampler = makeSampler(scheduler, { kind, steps });
  const tokens = conditioning.encoder_hidden_states?.shape[1];
  const graph = blockGraphOf(model, { batch: 2 * batch, granularity, tokens });
  const net = superNet(graph, { steps: sampler.steps.length });
  const gates = options.gates
    ? await readGates(options.gates, net)
    : denseGates(net.steps, net.units.length);
  await using runner = new SubNetRunner(net);
  await using subNet = await openSubNet(runner, gates);
  const random = new TorchGenerator(seed);
  const shape = graph.inputs[0].shape.with(0, batch);
  const latents = await subNet.sample({
    latents: random.randn(shape),
    noise: drawStepNoise(sampler, { shape, random }),
    conditioning,
    sampler,
    guidanceScale,
    observe: ({ step }) => progress(step + 1, net.steps),
  });
  return { latents, macs: subNetMacs(net, gates) };
}

/** Pictures of latents, by the autoencoder of a pipeline's folder. */
async function decoded(
  folder: string,
  latents: Tensor<"float32">,
): Promise<Tensor<"float32">> {
  const autoencoder = await loadAutoencoder(folder);
  const [, ...shape] = latents.shape;
  await using decoder = await openPictureDecoder(autoencoder, shape);
  return await decoder.decode(latents);
}

/** Generates the pictures and writes the PNG. */
export async function generate(options: GenerateOptions): Promise<void> {
  const model = await modelFolder(options.model);
  const { latents, macs } = await sampled({ ...options, model });
  const { subject } = options;
  const inPixels = latents.shape[1] === 3;
  const pictures = inPixels ? latents : await decoded(model, latents);
  const label = typeof subject === "number" ? `class ${subject}` : "";
  await writePng(options.output, {
    image: imageGrid([{ label, images: unstacked(pictures) }], {
      zoom: options.scale,
    }),
    text: { settings: JSON.stringify(options), macs: String(macs) },
  });
}

function progress(done: number, steps: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const bar = "█".repeat(Math.round(30 * done / steps)).padEnd(30, "░");
  const line = `\r${bar} ${done}/${steps}${done === steps ? "\n" : ""}`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

if (import.meta.main) {
  try {
    const options = parseGenerate(Deno.args);
    if (options === "help") console.log(generateHelp);
    else await generate(options);
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
