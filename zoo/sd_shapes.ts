/**
 * The embedded text-to-image model: Stable Diffusion 1.5's pipeline at small
 * width. Its UNet is trained here, on latents of captioned scenes, between the
 * text tower of `scenes_clip.ts` and the autoencoder of `scenes_vae.ts`.
 */
import { joined } from "../core/batch.ts";
import { unetBlockGraph } from "../core/models/unet.ts";
import {
  parseUnetConfig,
  type UnetConfig,
} from "../core/models/unet_config.ts";
import {
  initUnetWeights,
  unetParameterShapes,
} from "../core/models/unet_init.ts";
import { noWeights } from "../core/models/weights.ts";
import { TorchGenerator } from "../core/random.ts";
import { makeNoiseSchedule } from "../core/samplers/noise_schedule.ts";
import { parseSchedulerConfig } from "../core/samplers/scheduler_config.ts";
import type { Tensor } from "../core/tensor.ts";
import { openSafetensors } from "../core/weights/safetensors.ts";
import type { Matrix } from "ml-matrix";
import { diffusionLossGraph, noisedBatch } from "./diffusion_loss.ts";
import { encodePool, type LatentPool, latentsAt } from "./latent_pool.ts";
import { writeHalf, writeJson } from "./model_folder.ts";
import { gatherParts } from "./pipeline_parts.ts";
import { openSceneEncoders, type SceneEncoders } from "./scene_encoders.ts";
import { captionLength } from "./scene_tokenizer.ts";
import { captionOf, drawCaptioned } from "./scenes.ts";
import { sceneTextConfig } from "./scenes_clip.ts";
import { latentSize, sceneVaeConfig } from "./scenes_vae.ts";
import type { TaskSettings, TrainingTask } from "./trainer.ts";
import { SplitMix32 } from "./uniform.ts";
import {
  mapped,
  mapReaders,
  type Whitening,
  whiteningOf,
} from "./white_features.ts";

/** `unet/config.json` in diffusers' words. */
const unetJson = {
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  attention_head_dim: 4, // heads: diffusers kept a wrong name
  block_out_channels: [32, 64, 96, 96],
  center_input_sample: false,
  cross_attention_dim: sceneTextConfig.width,
  down_block_types: [
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "DownBlock2D",
  ],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: sceneVaeConfig.latentChannels,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 8,
  out_channels: sceneVaeConfig.latentChannels,
  sample_size: latentSize,
  up_block_types: [
    "UpBlock2D",
    "CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D",
  ],
};

/**
 * Stable Diffusion 1.5's, but for what the model predicts and how much of the
 * picture is left at the last step: 0.3 % of its amplitude, not 7 %, which in
 * latents this small shows what is where. A model trained with that follows
 * the layout of the noise, not the prompt's.
 */
const schedulerJson = {
  _class_name: "PNDMScheduler",
  beta_end: 0.03,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  timestep_spacing: "leading",
  trained_betas: null,
};

const modelIndex = {
  _class_name: "StableDiffusionPipeline",
  feature_extractor: [null, null],
  requires_safety_checker: false,
  safety_checker: [null, null],
  scheduler: ["diffusers", "PNDMScheduler"],
  text_encoder: ["transformers", "CLIPTextModel"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
};

const unetWeights = "unet/diffusion_pytorch_model.safetensors";

const batchSize = 16;
/** Captions whose features say what white is. */
const whiteningCaptions = 64 * batchSize;
const poolSize = 2000 * batchSize;
/** Seeds of the pool and of the whitening, apart from those of the batches. */
const poolSeed = 20_261_123;
const whiteningSeed = 20_261_124;
/** Probability of the empty caption, which trains classifier-free guidance (Ho and Salimans, 2021). */
const captionDropout = 0.1;

/** How text features are read while training: white. */
async function captionWhitening(encoders: SceneEncoders): Promise<Whitening> {
  const { uniform } = new SplitMix32(whiteningSeed);
  const features: Tensor<"float32">[] = [];
  for (let i = 0; i < whiteningCaptions; i += encoders.batch) {
    const captions = Array.from(
      { length: encoders.batch },
      () => drawCaptioned(uniform).caption,
    );
    features.push(await encoders.textFeatures(captions));
  }
  return whiteningOf(joined(features));
}

/** Weights to start from, as they read white features. */
async function initialWeights(
  config: UnetConfig,
  { from, seed, unwhiten }: {
    from: string | undefined;
    seed: number;
    unwhiten: Matrix;
  },
): Promise<Map<string, Tensor>> {
  const random = new TorchGenerator(seed);
  if (from === undefined) return initUnetWeights(config, random);
  const file = openSafetensors(`${from}/${unetWeights}`);
  const read: [string, Tensor<"float32">][] = [];
  for (const key of unetParameterShapes(config).keys()) {
    read.push([key, await file.readFloat32(key)]);
  }
  return new Map(
    Object.entries(mapReaders(Object.fromEntries(read), unwhiten)),
  );
}

/**
 * The training task; `updates` can be set for a shorter run.
 *
 * @param settings.folder The pipeline's; gets the text tower and the autoencoder, if it lacks them.
 * @param settings.from A pipeline whose UNet is trained further; by default one starts from random weights.
 * @throws As {@linkcode gatherParts}, `loadComponent` of either, or `openSafetensors` of the UNet.
 */
export async function sdShapes(
  { updates, seed, folder, from }: TaskSettings,
): Promise<TrainingTask> {
  const config = parseUnetConfig(unetJson, "sd-shapes unet");
  const { alphasCumprod } = makeNoiseSchedule(
    parseSchedulerConfig(schedulerJson, "sd-shapes scheduler"),
  );
  await gatherParts(folder);
  const encoders = await openSceneEncoders(folder, batchSize);
  const { whiten, unwhiten } = await captionWhitening(encoders);
  let pool: LatentPool | undefined;
  return {
    name: "sd-shapes",
    graph: diffusionLossGraph(unetBlockGraph(config, noWeights, {
      batch: batchSize,
      tokens: captionLength,
    })),
    options: {
      seed,
      updates,
      peakLearningRate: 1e-3,
      warmUp: 200,
      weightDecay: 0.01,
      clip: 1,
      averageDecay: 0.998,
      checkpointEvery: 200,
    },
    initial: await initialWeights(config, { from, seed, unwhiten }),
    async batch(uniform) {
      pool ??= await encodePool(encoders, { count: poolSize, seed: poolSeed });
      const { scenes } = pool;
      const indices = Array.from(
        { length: batchSize },
        () => Math.floor(uniform() * scenes.length),
      );
      const captions = indices.map((i) =>
        uniform() < captionDropout ? "" : captionOf(scenes[i], uniform)
      );
      const latents = latentsAt(pool, indices);
      return {
        // No weights: what is where, and of which colour, is decided in the noise that min-SNR hardly counts.
        ...noisedBatch(latents, uniform, { alphasCumprod }),
        encoder_hidden_states: mapped(
          await encoders.textFeatures(captions),
          whiten,
        ),
      };
    },
    finish: (weights) => mapReaders(weights, whiten),
    close: () => encoders.close(),
  };
}

/** Writes what this training adds to the pipeline's folder: the UNet, weights in half precision, its scheduler and the index. */
export async function writeSdShapes(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  for (const part of ["unet", "scheduler"]) {
    await Deno.mkdir(`${folder}/${part}`, { recursive: true });
  }
  const json = (path: string, value: unknown) =>
    writeJson(`${folder}/${path}`, value);
  await json("model_index.json", modelIndex);
  await json("unet/config.json", unetJson);
  await json("scheduler/scheduler_config.json", schedulerJson);
  await writeHalf(`${folder}/${unetWeights}`, { weights, metadata });
}
