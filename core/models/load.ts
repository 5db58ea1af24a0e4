/** Reads a model's folder in diffusers layout into a typed record. */
import { isFile } from "../files/is_file.ts";
import { readJson } from "../files/read_json.ts";
import type { BlockGraph } from "./block_graph/block_graph.ts";
import {
  type ComponentKind,
  type ComponentOptions,
  loadComponent,
} from "./component.ts";
import { type PipelineParts, readPipelineParts } from "./pipeline_parts.ts";
import {
  type Family,
  type Network,
  networkGraph,
  type NetworkOptions,
  onSmallestLatents,
  parseNetwork,
} from "./network.ts";
import { pipelineJson } from "./original/pipeline_json.ts";
import { parameterShapes, type WeightSource } from "./block_graph/weights.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import { mmditJson } from "./original/mmdit_json.ts";
import { originalMmdit } from "../weights/original/mmdit.ts";
import { originalUnet } from "../weights/original/unet.ts";
import { withTimeIds } from "./unet/unet_config.ts";

/** A model ready to be built: a network of some family with its weights. */
export type LoadedModel = Network & {
  readonly weights: WeightSource;
  /** Path of `scheduler/scheduler_config.json`, or null if the folder has none. */
  readonly schedulerConfig: string | null;
  /** The contents of its pipeline's index; undefined if the folder holds the network alone. */
  readonly parts?: PipelineParts;
};

export type LoadedFamily<F extends Family> = Extract<
  LoadedModel,
  { family: F }
>;

export const networkKind: ComponentKind<Network> = {
  weightFile: "diffusion_pytorch_model.safetensors",
  parse: parseNetwork,
  original: (file, { family }) =>
    family === "unet" ? originalUnet(file) : originalMmdit(file),
  parameters: (network) =>
    parameterShapes((weights) =>
      networkGraph(onSmallestLatents(network), weights, { batch: 1 })
    ),
};

/**
 * Loads a diffusion model.
 *
 * @param folder A pipeline (`model_index.json`, `transformer/` or `unet/`, `scheduler/`), or the network alone (`config.json` beside its weights).
 * @param options The place of the network's weights, if they are not in the folder.
 * @throws {Deno.errors.NotFound} If the folder holds neither, or lacks a file.
 * @throws {TypeError} If a config is not one that this project knows.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export async function loadModel(
  folder: string,
  options: ComponentOptions = {},
): Promise<LoadedModel> {
  const { path, parts } = await networkPlace(folder);
  const { config: network, weights } = await loadComponent(
    path,
    networkKind,
    options,
  );
  const scheduler = `${folder}/scheduler/scheduler_config.json`;
  const schedulerConfig = await isFile(scheduler) ? scheduler : null;
  return { ...inPipeline(network, parts), weights, schedulerConfig, parts };
}

/**
 * Reads the network of a model's folder, or of a checkpoint in the original layout, without its weights.
 *
 * @throws {Deno.errors.NotFound} If the folder holds no network.
 * @throws {TypeError} If a config is not one that this project knows, or a file is no such checkpoint.
 */
export async function readNetwork(folder: string): Promise<Network> {
  if (await isFile(folder)) {
    const file = openTensorFile(folder);
    const json = mmditJson(file) ?? pipelineJson(file)["unet/config.json"];
    return parseNetwork(json, folder);
  }
  const { path, parts } = await networkPlace(folder);
  const file = `${path}/config.json`;
  return inPipeline(parseNetwork(await readJson(file), file), parts);
}

/** The block graph of a loaded model. @throws {RangeError} If its family does not support the options. */
export function blockGraphOf(
  model: LoadedModel,
  options: NetworkOptions,
): BlockGraph {
  return networkGraph(model, model.weights, options);
}

/**
 * Narrows a loaded model to the family that a task needs.
 *
 * @param task The task that needs it, for the error: "draw a class".
 * @throws {TypeError} If the model is of another family.
 */
export function ofFamily<F extends Family>(
  model: LoadedModel,
  family: F,
  task: string,
): LoadedFamily<F> {
  if (model.family === family) return model as LoadedFamily<F>;
  throw new TypeError(
    `Cannot ${task}: the model is a ${model.family}, expected a ${family}`,
  );
}

/** The network with its pipeline's number of text tokens and, in SDXL, the number of its `time_ids`. */
function inPipeline(network: Network, parts?: PipelineParts): Network {
  if (!parts) return network;
  const { tokens, readsScore } = parts;
  const { added } = network.family === "unet" ? network.config : {};
  if (!added) return { ...network, tokens };
  const config = { ...network.config, added: withTimeIds(added, readsScore) };
  return { ...network, tokens, config } as Network;
}

/** The folder of a pipeline's network and the contents of its index, or the folder itself. */
async function networkPlace(
  folder: string,
): Promise<{ path: string; parts?: PipelineParts }> {
  const parts = await readPipelineParts(folder);
  if (parts) return { path: parts.network, parts };
  if (await isFile(`${folder}/config.json`)) return { path: folder };
  throw new Deno.errors.NotFound(
    `Cannot load model ${folder}: found neither model_index.json nor config.json`,
  );
}
