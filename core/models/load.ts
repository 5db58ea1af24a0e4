/** A model's folder in diffusers layout, read into a typed record. */
import { ditBlockGraph, type DitConfig, type DitOptions } from "./dit.ts";
import type { BlockGraph } from "./block_graph.ts";
import { configJson, requireOneOf } from "./config_json.ts";
import { parseDitConfig } from "./dit_config.ts";
import { ditParameterShapes } from "./dit_init.ts";
import { openWeights } from "./weight_file.ts";
import type { WeightSource } from "./weights.ts";

/** A model ready to be built: its family says which function builds it. */
export interface LoadedModel {
  readonly family: "dit";
  readonly config: DitConfig;
  readonly weights: WeightSource;
  /** Path of `scheduler/scheduler_config.json`, or null in a folder without one. */
  readonly schedulerConfig: string | null;
}

const weightFile = "diffusion_pytorch_model.safetensors";

/**
 * Loads a diffusion model.
 *
 * @param folder A pipeline (`model_index.json`, `transformer/`, `scheduler/`), or the network alone (`config.json` beside its weights).
 * @throws {Deno.errors.NotFound} If it holds neither.
 * @throws {TypeError} If a config is not one that this project knows.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export async function loadModel(folder: string): Promise<LoadedModel> {
  const network = await networkFolder(folder);
  const file = `${network}/config.json`;
  const config = parseDitConfig(await readJson(file), file);
  const weights = openWeights(
    `${network}/${weightFile}`,
    ditParameterShapes(config),
  );
  const scheduler = `${folder}/scheduler/scheduler_config.json`;
  return {
    family: "dit",
    config,
    weights,
    schedulerConfig: await exists(scheduler) ? scheduler : null,
  };
}

/** The block graph of a loaded model. */
export function blockGraphOf(
  { config, weights }: LoadedModel,
  options: DitOptions,
): BlockGraph {
  return ditBlockGraph(config, weights, options);
}

/** Where the network lies: `transformer/` of a pipeline, or the folder itself. */
async function networkFolder(folder: string): Promise<string> {
  const index = `${folder}/model_index.json`;
  if (await exists(index)) {
    const pipeline = configJson(await readJson(index), index);
    requireOneOf(pipeline, "_class_name", ["DiTPipeline"]);
    return `${folder}/transformer`;
  }
  if (await exists(`${folder}/config.json`)) return folder;
  throw new Deno.errors.NotFound(
    `Cannot load model ${folder}: found neither model_index.json nor config.json`,
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await Deno.readTextFile(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`Cannot read ${path}: not JSON`, { cause });
  }
}
