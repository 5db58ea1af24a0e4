/**
 * The embedded multimodal diffusion transformer: Stable Diffusion 3.5's
 * pipeline at small width, without T5. It is trained here by rectified flow, on
 * latents of captioned scenes by the autoencoder of `scenes_vae.ts`, with frozen
 * text towers.
 */
import {
  initSd3Weights,
  parseSd3Config,
  positionTable,
  sd3BlockGraph,
  type Sd3Config,
  sd3Positions,
  type WeightSource,
  wholeGraph,
} from "@dip-go/core/models";
import { type Graph, GraphBuilder } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { captionLength } from "../data/scene_tokenizer.ts";
import { captionText } from "../data/scenes.ts";
import {
  attentionLoss,
  guidanceInputs,
  jointAttention,
} from "../teaching/attention_guidance.ts";
import { diffusionLoss } from "../teaching/diffusion_loss.ts";
import { flowBatch } from "../teaching/flow_matching.ts";
import { repeatedRow, withAttentionBias } from "../teaching/repeated_row.ts";
import { writeConfigs, writeHalf } from "../training/model_folder.ts";
import type { TaskSettings, TrainingTask } from "../training/trainer.ts";
import {
  drawPicture,
  encodePool,
  type LatentPool,
  latentsAt,
} from "./latent_pool.ts";
import { gatherTwoTowers } from "./pipeline_parts.ts";
import { openSceneEncoder } from "./scene_encoder.ts";
import { openSceneTexts } from "./scene_texts.ts";
import { sceneTextConfig } from "./scenes_clip.ts";
import { latentSize, sceneVaeConfig } from "./scenes_vae.ts";

const [heads, headWidth] = [4, 24];
const patchSize = 2;

/** `transformer/config.json` with diffusers' keys. */
const transformerJson = {
  _class_name: "SD3Transformer2DModel",
  attention_head_dim: headWidth,
  caption_projection_dim: heads * headWidth,
  dual_attention_layers: [],
  in_channels: sceneVaeConfig.latentChannels,
  joint_attention_dim: 2 * sceneTextConfig.width,
  num_attention_heads: heads,
  num_layers: 6,
  out_channels: sceneVaeConfig.latentChannels,
  patch_size: patchSize,
  pooled_projection_dim: 2 * sceneTextConfig.projection!,
  pos_embed_max_size: latentSize / patchSize,
  qk_norm: "rms_norm",
  sample_size: latentSize,
};

/** Stable Diffusion 3.5's scheduler without its shift: noise hides latents this small even so. */
const schedulerJson = {
  _class_name: "FlowMatchEulerDiscreteScheduler",
  num_train_timesteps: 1000,
  shift: 1,
};

const modelIndex = {
  _class_name: "StableDiffusion3Pipeline",
  feature_extractor: [null, null],
  image_encoder: [null, null],
  scheduler: ["diffusers", "FlowMatchEulerDiscreteScheduler"],
  text_encoder: ["transformers", "CLIPTextModelWithProjection"],
  text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
  text_encoder_3: [null, null],
  tokenizer: ["transformers", "CLIPTokenizer"],
  tokenizer_2: ["transformers", "CLIPTokenizer"],
  tokenizer_3: [null, null],
  transformer: ["diffusers", "SD3Transformer2DModel"],
  vae: ["diffusers", "AutoencoderKL"],
};

const weightFile = "transformer/diffusion_pytorch_model.safetensors";

/** The size of each of an update's two batches; each has a core of its own. */
const batchSize = 16;
const poolSize = 1000 * batchSize;
/** The seed of the pool, which the batches' seed does not change. */
const poolSeed = 20_261_129;
/** The weight of the attention loss; the prediction's is 1. */
const guidanceWeight = 0.2;
/** The number of text tokens: a caption's, and one zero row instead of T5's. */
const tokens = captionLength + 1;
/** The largest number of zero rows that a pipeline may have instead of T5's. */
const mostRows = 512;
/** Side of the map of picture tokens. */
const side = latentSize / patchSize;

/** A weight source without data, except for the table of positions. */
const untrained = (config: Sd3Config): WeightSource => (key) =>
  key === positionTable ? { data: sd3Positions(config) } : {};

/** The training graph: the network with the inputs of {@linkcode withAttentionBias}, {@linkcode diffusionLoss} and {@linkcode attentionLoss}; output `loss`. */
function lossGraph(config: Sd3Config): Graph {
  const model = sd3BlockGraph(config, untrained(config), {
    batch: batchSize,
    tokens,
  });
  const network = withAttentionBias(wholeGraph(model));
  const g = GraphBuilder.continuing(network, "mmdit-shapes:loss");
  const [prediction] = network.outputs;
  const attention = attentionLoss(g, jointAttention(g, network, tokens));
  const loss = g.add(
    diffusionLoss(g, g.value(prediction.name)),
    g.mul(attention, g.scalar(guidanceWeight)),
  );
  return g.build({ loss });
}

/** The initial weights, without the table of positions, which is not trained. */
function initialWeights(
  config: Sd3Config,
  { from, seed }: Pick<TaskSettings, "from" | "seed">,
): Map<string, Tensor<"float32">> {
  const initial = initSd3Weights(config, new TorchGenerator(seed));
  initial.delete(positionTable);
  if (from === undefined) return initial;
  const file = openSafetensors(`${from}/${weightFile}`);
  return new Map(
    [...initial.keys()].map((key) => [key, file.readFloat32(key)]),
  );
}

/**
 * The training task; `updates` can be set for a shorter run.
 *
 * @param settings.folder The pipeline's folder; text towers and autoencoder are copied into it if it lacks them.
 * @param settings.from The folder of a pipeline to train further.
 * @throws The errors of {@linkcode gatherTwoTowers}, `loadComponent` and `openSafetensors`.
 */
export async function mmditShapes(
  { updates, seed, folder, from }: TaskSettings,
): Promise<TrainingTask> {
  const config = parseSd3Config(transformerJson, "mmdit-shapes transformer");
  await gatherTwoTowers(folder);
  const encoder = await openSceneEncoder(folder, batchSize);
  const texts = await openSceneTexts(folder, batchSize);
  let pool: LatentPool | undefined;
  return {
    name: "mmdit-shapes",
    graph: lossGraph(config),
    options: {
      seed,
      updates,
      peakLearningRate: 1.5e-3,
      warmUp: 200,
      weightDecay: 0.01,
      clip: 1,
      averageDecay: 0.99,
      checkpointEvery: 200,
      batches: 2,
    },
    initial: initialWeights(config, { from, seed }),
    async batch(uniform) {
      pool ??= await encodePool(encoder, { count: poolSize, seed: poolSeed });
      const drawn = pool;
      const pictures = Array.from(
        { length: batchSize },
        () => drawPicture(drawn, { ofFamily: false, uniform }),
      );
      const captions = pictures.map(({ description }) =>
        description ? captionText(description) : ""
      );
      const clean = latentsAt(pool, pictures.map(({ index }) => index));
      const count = mostRows ** uniform();
      return {
        ...flowBatch(clean, uniform),
        ...await texts.features(captions),
        ...guidanceInputs(pictures, [side]),
        ...repeatedRow({
          tokens: tokens + side ** 2,
          place: captionLength,
          count,
        }),
      };
    },
    async close() {
      await encoder.close();
      await texts.close();
    },
  };
}

/** Writes the trained part of the pipeline's folder: network, weights in half precision, scheduler and index. */
export async function writeMmditShapes(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeConfigs(folder, {
    "model_index.json": modelIndex,
    "transformer/config.json": transformerJson,
    "scheduler/scheduler_config.json": schedulerJson,
  });
  const config = parseSd3Config(transformerJson, "mmdit-shapes transformer");
  const table = { [positionTable]: sd3Positions(config) };
  await writeHalf(`${folder}/${weightFile}`, {
    weights: { ...weights, ...table },
    metadata,
  });
}
