/**
 * `deno task generate`: draws pictures of a class with a DiT, or of a prompt with
 * a text-to-image pipeline, by the full sampler or by a SubNet. The PNGs' text
 * chunks hold the settings.
 */
import {
  loadPipeline,
  type PipelineOptions,
  type PipelineSampler,
  type SamplerOptions,
} from "@dip-go/core";
import { samplerOptionsIn } from "@dip-go/core/pipeline";
import {
  type Picture,
  readPicture,
  rgbImage,
  writePng,
} from "@dip-go/core/pictures";
import { isInt8 } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { openSubNet } from "@dip-go/supernet";
import {
  checkPlan,
  denseMacs,
  readPlan,
  superNetOf,
} from "@dip-go/supernet/gates";
import { planMacs } from "@dip-go/supernet/solver";
import { enlarged, imageGrid } from "@dip-go/eval/pictures";
import { command, finish } from "./options/command.ts";
import { int8Weights } from "./options/int8_choice.ts";
import { ProgressLine } from "./options/progress_line.ts";
import {
  generateForm,
  type GenerateOptions,
  generateOptions,
} from "./generate/generate_options.ts";
import { pictureFiles } from "./generate/picture_files.ts";
import { type Drawing, type DrawRequest, refined } from "./generate/refined.ts";

/**
 * Generates the pictures and writes their files.
 *
 * @returns The paths of the files.
 */
export async function generate(options: GenerateOptions): Promise<string[]> {
  const { refinerFrom, ...said } = options;
  const { count, seed, scale, grid } = said;
  const files = await pictureFiles(options.output, options);
  using line = new ProgressLine();
  const progress = (done: number, total: number) =>
    line.show("steps", [done, total]);
  const request = requestOf(options, progress);
  const { sampler, ...first } = await firstDrawing(options);
  const last = await refined(first, options, request);
  await using drawing = last.drawing;
  const write = (file: string, image: Picture, [first, n]: [number, number]) =>
    writePng(file, {
      image,
      text: {
        settings: JSON.stringify({
          ...said,
          "refiner-from": refinerFrom,
          steps: sampler.steps,
          guidanceScale: sampler.askedScale,
          seed: first,
          count: n,
        }),
        macs: String(n * last.macs),
      },
    });
  const images = drawing.draw(...request);
  if (grid) {
    const rows = gridRows(await Array.fromAsync(images));
    await write(files[0], imageGrid(rows, { zoom: scale }), [seed, count]);
    return files;
  }
  let i = 0;
  for await (const image of images) {
    await write(files[i], enlarged(rgbImage(image), scale), [seed + i, 1]);
    i++;
  }
  return files;
}

/** Opens the full sampler, or a SubNet of it, up to the step from which a refiner goes on. */
async function firstDrawing(
  options: GenerateOptions,
): Promise<Drawing & { readonly sampler: PipelineSampler }> {
  const { device, widening, weights, config, refiner } = options;
  const { precision, int8: file, subject } = options;
  const start = await startOf(options);
  const loaded = async (precise: PipelineOptions) => {
    const loading = { device, widening, weights, config, ...precise };
    return (await loadPipeline(options.model, loading)).sampler({
      ...samplerOptionsIn(options),
      start,
      until: refiner === undefined ? undefined : options.refinerFrom,
    });
  };
  const first = await loaded(isInt8(precision) ? {} : { precision });
  const side = options.scale * Math.max(first.size.height, first.size.width);
  if (options.scale > 1 && side > 16_384) {
    throw new RangeError(
      `Cannot generate: --scale makes a side of ${side} pixels, expected at most 16384`,
    );
  }
  const plan = options.gates ? await readPlan(options.gates) : undefined;
  if (plan) {
    checkPlan(plan, { ...superNetOf(first), sampler: first }, options.gates);
  }
  const drawn = typeof subject === "number" ? subject : subject.prompt;
  const eight = { precision, file, subject: drawn };
  const sampler = isInt8(precision)
    ? await loaded({
      precision,
      int8Weights: await int8Weights(first, eight),
    })
    : first;
  const net = superNetOf(sampler);
  if (!plan) return { sampler, drawing: sampler.open(), macs: denseMacs(net) };
  const drawing = await openSubNet(sampler, plan);
  return { sampler, drawing, macs: planMacs(net, plan) };
}

/** The request for `count` pictures of one subject, with consecutive seeds. */
function requestOf(
  { subject, batch, count, seed, guidanceScales }: GenerateOptions,
  progress: (done: number, total: number) => void,
): DrawRequest {
  const { prompt, negativePrompt } = typeof subject === "number"
    ? { prompt: subject, negativePrompt: undefined }
    : subject;
  return [Array(count).fill(prompt), {
    seed: Array.from({ length: count }, (_, i) => seed + i),
    batch: Math.min(batch, count),
    negativePrompt,
    once: true,
    guidanceScale: guidanceScales,
    progress,
  }];
}

/** The picture to start from and its mask, read from their files. */
async function startOf(
  { image, mask, strength }: GenerateOptions,
): Promise<SamplerOptions["start"]> {
  if (image === undefined) return undefined;
  const read = (path: string) => readPicture(path, { upright: true });
  return {
    image: await read(image),
    mask: mask === undefined ? undefined : await read(mask),
    strength,
  };
}

/** The rows of an about square grid. */
function gridRows(images: readonly Tensor<"float32">[]) {
  const columns = Math.ceil(Math.sqrt(images.length));
  return Array.from(
    { length: Math.ceil(images.length / columns) },
    (_, row) => ({
      label: "",
      images: images.slice(row * columns, (row + 1) * columns),
    }),
  );
}

/** Runs the command on its arguments; errors are part of the result. */
export const generateCommand = command(generateForm, async (values) => {
  await generate(generateOptions(values));
  return [];
});

if (import.meta.main) finish(await generateCommand(Deno.args));
