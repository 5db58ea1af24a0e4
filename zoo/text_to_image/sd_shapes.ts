/**
 * The embedded text-to-image model: Stable Diffusion 1.5's pipeline at small
 * width. Its UNet is trained here, on latents of captioned scenes by the
 * autoencoder of `scenes_vae.ts`, together with the text tower of
 * `scenes_clip.ts`: text features that tell pictures apart need not say all that
 * drawing takes, such as which object has which colour.
 */
import {
  clipText,
  emitBlock,
  initUnetWeights,
  noWeights,
  parseUnetConfig,
  unetBlockGraph,
  type UnetConfig,
} from "@dip-go/core/models";
import { type Graph, GraphBuilder } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import {
  makeNoiseSchedule,
  noiseConfig,
  parseSchedulerConfig,
} from "@dip-go/core/samplers";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import {
  attentionLoss,
  crossAttention,
  guidanceInputs,
} from "../teaching/attention_guidance.ts";
import { diffusionLoss, noisedBatch } from "../teaching/diffusion_loss.ts";
import {
  type DrawnPicture,
  drawPicture,
  encodePool,
  familySize,
  type LatentPool,
  latentsAt,
  latentsOf,
} from "./latent_pool.ts";
import { writeConfigs, writeHalf } from "../training/model_folder.ts";
import { gatherParts } from "./pipeline_parts.ts";
import { openSceneEncoder } from "./scene_encoder.ts";
import { captionLength } from "../data/scene_tokenizer.ts";
import { captionText } from "../data/scenes.ts";
import { captionIds, sceneTextConfig } from "./scenes_clip.ts";
import { latentSize, sceneVaeConfig } from "./scenes_vae.ts";
import { markPlaces } from "../teaching/place_code.ts";
import { stableTarget } from "../teaching/stable_target.ts";
import type { TaskSettings, TrainingTask } from "../training/trainer.ts";
import {
  isWordHead,
  wordHeads,
  wordInputs,
  wordsLoss,
} from "../teaching/word_attributes.ts";

/** `unet/config.json` with diffusers' keys. */
const unetJson = {
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  attention_head_dim: 4, // the number of heads: diffusers kept a wrong name
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
 * Stable Diffusion 1.5's scheduler with another prediction and another last
 * timestep: 0.2 % of the picture's amplitude is left there, not 7 %, which in
 * latents this small still shows the layout. A model trained with 7 % follows the
 * layout that it sees in the noise, not the prompt's.
 */
const schedulerJson = {
  _class_name: "PNDMScheduler",
  beta_end: 0.03,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  clip_sample: false,
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
const textWeights = "text_encoder/model.safetensors";

/** The size of each of an update's two batches; each has a core of its own. */
const batchSize = 16;
const poolSize = 2000 * batchSize;
/** The seed of the pool, which the batches' seed does not change. */
const poolSeed = 20_261_123;
/** The weight of the attention loss; the prediction's is 1. */
const guidanceWeight = 0.2;
/** The weight of the words' loss. */
const wordsWeight = 0.05;

/**
 * The shares of the timesteps that training draws. Most are from the range in
 * which shapes and places emerge from the noise.
 */
const timestepShares = [
  { share: 0.15, from: 0, to: 250 },
  { share: 0.6, from: 250, to: 700 },
  { share: 0.25, from: 700, to: 1000 },
] as const;
/** From this timestep on the picture has less than 1 % of the noise's power: targets are {@linkcode stableTarget}. */
const stableFrom = 700;

/** Ascending timesteps, one from each of B equal parts of the shares (Kingma et al., "Variational diffusion models", 2021). */
export function spreadTimesteps(
  batch: number,
  uniform: () => number,
): number[] {
  const offset = uniform();
  return Array.from({ length: batch }, (_, b) => {
    let rest = (b + offset) / batch;
    for (const { share, from, to } of timestepShares) {
      if (rest < share) return Math.floor(from + rest / share * (to - from));
      rest -= share;
    }
    return timestepShares.at(-1)!.to - 1; // rounding
  });
}

/**
 * UNet and text tower as one training graph: inputs `sample`, `timestep`,
 * `input_ids` `[B, L]` and those of {@linkcode diffusionLoss},
 * {@linkcode attentionLoss} and {@linkcode wordsLoss}; output `loss`.
 */
function lossGraph(config: UnetConfig): Graph {
  const g = new GraphBuilder("sd-shapes:loss");
  const ids = g.input("input_ids", "int64", [batchSize, captionLength]);
  const text = clipText(g, ids, {
    config: sceneTextConfig,
    weights: noWeights,
  });
  const unet = unetBlockGraph(config, noWeights, {
    batch: batchSize,
    tokens: captionLength,
  });
  const tensors = new Map([["encoder_hidden_states", text.last]]);
  for (const { name, dtype, shape } of unet.inputs) {
    if (!tensors.has(name)) tensors.set(name, g.input(name, dtype, shape));
  }
  for (const block of unet.blocks) emitBlock(g, block, tensors);
  const prediction = diffusionLoss(g, tensors.get(unet.output)!);
  const attention = attentionLoss(
    g,
    crossAttention(g, g.build({ prediction })),
  );
  const words = wordsLoss(g, text.last);
  const terms = [
    prediction,
    g.mul(attention, g.scalar(guidanceWeight)),
    g.mul(words, g.scalar(wordsWeight)),
  ];
  return g.build({ loss: terms.reduce((a, b) => g.add(a, b)) });
}

/** The place code of a UNet of random weights. */
const freshCode = { magnitude: 1, gains: [1, 1, 1] };
/** The place code of a UNet trained without one, whose up blocks' channels were 22, 24, 12 and 5 in root mean square. */
const lateCode = { magnitude: 25, gains: [0.7, 0.6, 0.6] };

/** The initial weights: a trained text tower, a UNet (random unless trained further), and zero word heads. */
async function initialWeights(
  config: UnetConfig,
  { from, folder, seed, marksPlaces }: Pick<
    TaskSettings,
    "from" | "folder" | "seed" | "marksPlaces"
  >,
): Promise<Map<string, Tensor>> {
  const read = (path: string): [string, Tensor][] => {
    const file = openSafetensors(path);
    return [...file.tensors.keys()].map((key) => [key, file.readFloat32(key)]);
  };
  const unet = new Map(
    from === undefined
      ? initUnetWeights(config, new TorchGenerator(seed))
      : read(`${from}/${unetWeights}`),
  );
  if (from === undefined || marksPlaces) {
    markPlaces(unet, {
      channels: unetJson.block_out_channels.toReversed(),
      resnets: unetJson.layers_per_block + 1,
      groups: unetJson.norm_num_groups,
      ...from === undefined ? freshCode : lateCode,
    });
  }
  return new Map([
    ...await read(`${from ?? folder}/${textWeights}`),
    ...unet,
    ...wordHeads(sceneTextConfig.width),
  ]);
}

/** Latents of the given picture and of others that its caption is as true of: of any, if it is empty. */
function referencesOf(
  pool: LatentPool,
  { index, description }: DrawnPicture,
  uniform: () => number,
): Float32Array[] {
  const first = index - index % familySize;
  const others = Array.from(
    { length: familySize },
    (_, i) =>
      description ? first + i : Math.floor(uniform() * pool.scenes.length),
  ).filter((other) => other !== index);
  return [index, ...others].map((each) => latentsOf(pool, each));
}

/** The noised latents of a batch and their targets, without the captions. */
function noisedPictures(
  pool: LatentPool,
  pictures: readonly DrawnPicture[],
  { alphasCumprod, timesteps, uniform }: {
    alphasCumprod: ArrayLike<number>;
    timesteps: readonly number[];
    uniform: () => number;
  },
): ReturnType<typeof noisedBatch> {
  const clean = latentsAt(pool, pictures.map(({ index }) => index));
  // No min-SNR weights: they hardly count the noisy timesteps, which decide places and colours.
  const noised = noisedBatch(clean, uniform, { alphasCumprod, timesteps });
  const size = clean.data.length / pictures.length;
  pictures.forEach((picture, b) => {
    if (timesteps[b] < stableFrom) return;
    const [alpha, sigma] = [
      alphasCumprod[timesteps[b]],
      1 - alphasCumprod[timesteps[b]],
    ].map(Math.sqrt);
    const sample = noised.sample.data.subarray(b * size, (b + 1) * size);
    const references = referencesOf(pool, picture, uniform);
    const target = stableTarget({ sample, alpha, sigma }, references);
    noised.target.data.set(target, b * size);
  });
  return noised;
}

/**
 * The training task; `updates` can be set for a shorter run.
 *
 * @param settings.folder The pipeline's folder; text tower and autoencoder are copied into it if it lacks them.
 * @param settings.from The folder of a pipeline to train further; by default the UNet starts from random weights with a place code.
 * @param settings.marksPlaces Whether the UNet of `from` gets a place code too.
 * @throws The errors of {@linkcode gatherParts}, `loadComponent` (autoencoder) and `openSafetensors`.
 */
export async function sdShapes(
  { updates, seed, folder, from, marksPlaces }: TaskSettings,
): Promise<TrainingTask> {
  const config = parseUnetConfig(unetJson, "sd-shapes unet");
  const { alphasCumprod } = makeNoiseSchedule(
    noiseConfig(parseSchedulerConfig(schedulerJson, "sd-shapes scheduler")),
  );
  await gatherParts(folder);
  const encoder = await openSceneEncoder(folder, batchSize);
  let pool: LatentPool | undefined;
  return {
    name: "sd-shapes",
    graph: lossGraph(config),
    options: {
      seed,
      updates,
      peakLearningRate: 5e-4,
      warmUp: 200,
      weightDecay: 0.01,
      clip: 1,
      averageDecay: 0.998,
      checkpointEvery: 200,
      batches: 2,
    },
    initial: await initialWeights(config, { from, folder, seed, marksPlaces }),
    async batch(uniform) {
      pool ??= await encodePool(encoder, { count: poolSize, seed: poolSeed });
      const drawn = pool;
      const timesteps = spreadTimesteps(batchSize, uniform);
      const pictures = timesteps.map((t) =>
        drawPicture(drawn, { ofFamily: t >= stableFrom, uniform })
      );
      const captions = pictures.map(({ description }) =>
        description ? captionText(description) : ""
      );
      return {
        ...noisedPictures(drawn, pictures, {
          alphasCumprod,
          timesteps,
          uniform,
        }),
        ...guidanceInputs(pictures),
        ...wordInputs(pictures),
        input_ids: captionIds(captions),
      };
    },
    close: () => encoder.close(),
  };
}

/** Writes the trained part of the pipeline's folder: UNet, text tower, weights in half precision, scheduler and index. */
export async function writeSdShapes(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeConfigs(folder, {
    "model_index.json": modelIndex,
    "unet/config.json": unetJson,
    "scheduler/scheduler_config.json": schedulerJson,
  });
  const isText = (key: string) => key.startsWith("text_model.");
  const part = (wanted: boolean) =>
    Object.fromEntries(
      Object.entries(weights).filter(([key]) =>
        isText(key) === wanted && !isWordHead(key)
      ),
    );
  const [text, unet] = [part(true), part(false)];
  await writeHalf(`${folder}/${textWeights}`, { weights: text, metadata });
  await writeHalf(`${folder}/${unetWeights}`, { weights: unet, metadata });
}
