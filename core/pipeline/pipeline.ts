/**
 * A diffusion pipeline: a network, the scheduler and the text encoders or
 * classes that it was trained with, and in a latent space an autoencoder.
 * {@linkcode PipelineSampler} says how it is sampled. Both are plain values:
 * neither keeps a session open.
 */
import { type LoadedModel, loadModel } from "../models/load.ts";
import {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "../samplers/schedule/read_scheduler_config.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import { kindOf, promptTokens } from "./kinds/pipeline_kinds.ts";
import { LoadedPipeline, type PipelineOptions } from "./loaded_pipeline.ts";
import { PipelineSampler } from "./pipeline_sampler.ts";
import { pixelsPerLatent } from "../models/autoencoder/pixels_per_latent.ts";
import { modelPlace } from "./model_place.ts";
import type { SamplerOptions } from "./sampler_options.ts";

/**
 * A loaded pipeline.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline, Pipeline } from "@dip-go/core";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * assertEquals(pipeline instanceof Pipeline, true);
 * assertEquals(pipeline.drawsClasses, true);
 * assertEquals(pipeline.drawsPixels, true);
 * ```
 */
export class Pipeline extends LoadedPipeline {
  /**
   * Makes a sampler of the pipeline; options default to its kind's.
   *
   * @throws {RangeError} If the pipeline has no scheduler, or the scheduler cannot make such steps.
   */
  sampler(options: SamplerOptions = {}): PipelineSampler {
    return new PipelineSampler(this, options);
  }
}

/**
 * Loads a pipeline.
 *
 * @param model A folder in diffusers layout, a checkpoint in the original layout (Stable Diffusion 1, 2 and XL; with `config` Stable Diffusion 3 and FLUX.1), or `owner/name[@revision]` on the hub. A folder of the network alone loads too; without a scheduler it cannot be sampled.
 * @throws {Deno.errors.NotFound} If there is no model.
 * @throws {TypeError} If a config is not one that this project knows.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const pipeline = await loadPipeline("zoo/models/sd-shapes");
 * const sampler = pipeline.sampler({ steps: 20 });
 * assertEquals(sampler.calls, 21); // its own scheduler is PNDM
 * assertEquals(sampler.latents, [4, 16, 16]);
 * ```
 */
export async function loadPipeline(
  model: string,
  { weights, config, ...sessions }: PipelineOptions = {},
): Promise<Pipeline> {
  const { folder, checkpoint } = await modelPlace(model, config);
  const loaded = await loadModel(folder, { weights: weights ?? checkpoint });
  const { schedulerConfig: file } = loaded;
  return new Pipeline({
    name: model,
    folder,
    checkpoint,
    model: loaded,
    scheduler: file === null ? null : await schedulerIn(file, loaded),
    tokens: await promptTokens(folder, loaded),
    pixelsPerLatent: await pixelsPerLatent(folder),
    sessions,
  });
}

/** Reads a scheduler's configuration, with the class that the pipeline's index names and the values that its kind sets. */
async function schedulerIn(
  file: string,
  network: LoadedModel,
): Promise<SchedulerConfig> {
  const { className, values } = await readSchedulerConfig(file);
  const _class_name = network.parts?.scheduler ?? className;
  const { scheduler } = kindOf(network);
  return parseSchedulerConfig({ ...values, _class_name, ...scheduler }, file);
}
