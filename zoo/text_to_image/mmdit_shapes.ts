/**
 * The embedded multimodal diffusion transformer: Stable Diffusion 3.5's
 * pipeline at small width, without T5. It is trained here by rectified flow, on
 * latents of captioned scenes by the autoencoder of `scenes_vae.ts`, between
 * frozen text towers.
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

/** `transformer/config.json` in diffusers' words. */
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

/** Stable Diffusion 3.5's, but for the shift: noise hides latents this small as it is. */
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

/** Of each of the two batches of an update, a core each. */
const batchSize = 16;
const poolSize = 1000 * batchSize;
/** Seed of the pool, apart from those of the batches. */
const poolSeed = 20_261_129;
/** Weight of the attention's loss beside the prediction's. */
const guidanceWeight = 0.2;
/** A caption's tokens, and the row in the place of T5's. */
const tokens = captionLength + 1;
/** The most rows that a pipeline may have in the place of T5's. */
const mostRows = 512;
/** Side of the map of picture tokens. */
const side = latentSize / patchSize;

/** Reads the network's weights from nowhere, its table of positions from where it is made. */
const untrained = (config: Sd3Config): WeightSource => (key) =>
  key === positionTable ? { data: sd3Positions(config) } : {};

/** Inputs of the network, `target`, `weight` and those of {@linkcode withAttentionBias} and {@linkcode attentionLoss}; output `loss`. */
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

/** Weights to start from; the table of positions is none of them. */
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
 * @param settings.folder The pipeline's; gets the text towers and the autoencoder, if it lacks them.
 * @param settings.from A pipeline that is trained further.
 * @throws As {@linkcode gatherTwoTowers}, `loadComponent`, or `openSafetensors`.
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

/** Writes what this training makes of the pipeline's folder: the network, its weights in half precision, the scheduler and the index. */
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
