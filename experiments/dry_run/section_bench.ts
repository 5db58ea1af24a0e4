/** A section ready to be counted: without weights where its model is one of the paper's, else loaded from its folder. */
import { isFile, readJson } from "@dip-go/core/files";
import {
  type AutoencoderConfig,
  blockGraphs,
  decoderBlockGraph,
  knownModels,
  noWeights,
  parseAutoencoderConfig,
} from "@dip-go/core/models";
import { macsOfGraph, sumMacs } from "@dip-go/core/onnx";
import { parseSchedulerConfig } from "@dip-go/core/samplers";
import { type Bench, countingBench, openBench } from "../run/bench.ts";
import type { Experiment } from "../schema/experiment.ts";
import { autoencoder, type KnownPipeline, pipelines } from "./pipelines.ts";
import type { PartSizes } from "./resources.ts";

/** A bench, and the sizes of what it does not show. */
export interface SectionBench {
  readonly bench: Bench;
  readonly sizes: PartSizes;
}

/** Opens a section's bench; the caller disposes of it. */
export async function openSectionBench(
  experiment: Experiment,
): Promise<SectionBench> {
  const { model } = experiment;
  return Object.hasOwn(pipelines, model)
    ? knownBench(experiment, pipelines[model])
    : await folderBench(experiment);
}

/** Hub files hold single precision where they are not marked otherwise. */
const bytesOfWeight = 4;

function knownBench(
  experiment: Experiment,
  { network, scheduler, params, side }: KnownPipeline,
): SectionBench {
  const bench = countingBench(experiment, {
    network: knownModels[network],
    scheduler: parseSchedulerConfig(scheduler, experiment.model),
  });
  const decoderMacs = macsOfDecoder(autoencoder, latentSide(bench));
  const weightBytes = bytesOfWeight * params;
  return { bench, sizes: { params, weightBytes, side, decoderMacs } };
}

/** Weights of embedded models are kept in half precision. */
const bytesOfHalf = 2;

async function folderBench(experiment: Experiment): Promise<SectionBench> {
  const { model } = experiment;
  const bench = await openBench(experiment, { device: "cpu" });
  const weightBytes = await weightFileBytes(model);
  const params = Math.floor(weightBytes / bytesOfHalf);
  const latents = latentSide(bench);
  const file = `${model}/vae/config.json`;
  if (!await isFile(file)) {
    const sizes = { params, weightBytes, side: latents, decoderMacs: 0 };
    return { bench, sizes };
  }
  const config = parseAutoencoderConfig(await readJson(file), file);
  const side = latents * 2 ** (config.channels.length - 1);
  const decoderMacs = macsOfDecoder(config, latents);
  return { bench, sizes: { params, weightBytes, side, decoderMacs } };
}

const latentSide = ({ net }: Bench) => net.model.inputs[0].shape[3];

function macsOfDecoder(config: AutoencoderConfig, side: number): number {
  const size = { batch: 1, height: side, width: side };
  const graphs = blockGraphs(decoderBlockGraph(config, noWeights, size));
  const costs = graphs.flatMap(({ graph }) => [...macsOfGraph(graph).values()]);
  return sumMacs(costs).total;
}

/** Bytes of all safetensors below a folder. */
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
