/** A section ready to be counted: without weights if its model is known by name, else from its folder. */
import { isFile, readJson, statOf } from "@dip-go/core/files";
import {
  type AutoencoderConfig,
  decoderBlockGraph,
  knownModels,
  noWeights,
  parseAutoencoderConfig,
} from "@dip-go/core/models";
import { parseSchedulerConfig } from "@dip-go/core/samplers";
import {
  type Bench,
  type BenchOptions,
  countingBench,
  openBench,
} from "../run/bench.ts";
import type { Experiment } from "../schema/experiment.ts";
import { autoencoder, paramsOf, pipelines } from "./pipelines.ts";
import { macsOfCall } from "./sub_net_macs.ts";

/** The sizes that a dry run needs besides the bench. */
export interface PartSizes {
  /** Bytes of all parts' weights in memory. */
  readonly loadedBytes: number;
  /** Bytes of the weights' files. */
  readonly weightBytes: number;
  /** Pixels of a picture's side. */
  readonly side: number;
  /** MACs of decoding one picture; 0 if the model makes pixels. */
  readonly decoderMacs: number;
}

/** Bytes of a weight in files: single precision on the hub unless marked otherwise, half in embedded models. */
const bytesOfWeight = { hub: 4, embedded: 2 };

/** Opens a section's bench, which the caller disposes of, and the sizes that the bench does not have. */
export async function openSectionBench(
  experiment: Experiment,
  options: BenchOptions,
): Promise<{ bench: Bench; sizes: PartSizes }> {
  const { model } = experiment;
  if (Object.hasOwn(pipelines, model) && !await statOf(model)) {
    const known = pipelines[model];
    const bench = countingBench(experiment, {
      network: knownModels[known.network],
      scheduler: parseSchedulerConfig(known.scheduler, model),
    });
    const weightBytes = (known.weightBytes ?? bytesOfWeight.hub) *
      paramsOf(known);
    const pictures = pictureSizes(bench, known.vae ?? autoencoder);
    const sizes = { loadedBytes: weightBytes, weightBytes, ...pictures };
    return { bench, sizes };
  }
  const bench = await openBench(experiment, options);
  const weightBytes = await weightFileBytes(model);
  const loadedBytes = bytesOfWeight.hub / bytesOfWeight.embedded * weightBytes;
  const file = `${model}/vae/config.json`;
  const config = await isFile(file)
    ? parseAutoencoderConfig(await readJson(file), file)
    : null;
  const pictures = pictureSizes(bench, config);
  return { bench, sizes: { loadedBytes, weightBytes, ...pictures } };
}

/** Pixels of a picture's side and MACs of decoding it; without an autoencoder the model makes pixels. */
function pictureSizes(
  { net: { model: { inputs: [{ shape }] } } }: Bench,
  config: AutoencoderConfig | null,
): Pick<PartSizes, "side" | "decoderMacs"> {
  const [, , height, width] = shape;
  if (!config) return { side: width, decoderMacs: 0 };
  const decoder = decoderBlockGraph(config, noWeights, {
    batch: 1,
    height,
    width,
  });
  return {
    side: width * 2 ** (config.channels.length - 1),
    decoderMacs: macsOfCall(decoder).total,
  };
}

/** The bytes of all safetensors files below a folder. */
async function weightFileBytes(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) bytes += await weightFileBytes(path);
    else if (name.endsWith(".safetensors")) {
      bytes += (await Deno.stat(path)).size;
    }
  }
  return bytes;
}
