/**
 * The embedded text-picture pair: CLIP's two towers at small width, trained
 * contrastively on captioned scenes (Radford et al., 2021). Its text tower
 * conditions the embedded text-to-image model; both together score how well a
 * picture fits a caption.
 */
import {
  clipText,
  type ClipTextConfig,
  clipVision,
  type ClipVisionConfig,
  initClipText,
  initClipVision,
  noWeights,
} from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, int64, type Tensor } from "@dip-go/core/tensor";
import { crossEntropy } from "../classifiers/cross_entropy.ts";
import { writeHalf, writeJson } from "../training/model_folder.ts";
import {
  captionLength,
  encodeCaption,
  endToken,
  vocabularySize,
  writeSceneTokenizer,
} from "../data/scene_tokenizer.ts";
import { drawCaptioned, renderScenes, sceneSize } from "../data/scenes.ts";
import type { TrainingTask } from "../training/trainer.ts";

const encoder = {
  width: 96,
  layers: 4,
  heads: 4,
  inner: 384,
  activation: "quick_gelu",
  epsilon: 1e-5,
  projection: 64,
} as const;

/** The config of the text tower, which the text-to-image models share. */
export const sceneTextConfig: ClipTextConfig = {
  ...encoder,
  vocabulary: vocabularySize,
  positions: captionLength,
  endToken,
};

const visionConfig: ClipVisionConfig = {
  ...encoder,
  channels: 3,
  imageSize: sceneSize,
  patchSize: 8,
};

const batchSize = 128;
const scaleKey = "logit_scale";
/** exp(scale) multiplies the cosines; CLIP starts it at 1 / 0.07. */
const initialScale = Math.log(1 / 0.07);

/** Scales rows to length 1: `[B, P]` → `[B, P]`. */
function normalised(g: GraphBuilder, x: Value): Value {
  const squares = g.reduceSum(g.mul(x, x), { axes: [1] });
  return g.div(x, g.sqrt(g.add(squares, g.scalar(1e-12))));
}

/** Inputs `input_ids` `[B, L]` and `pixel_values` `[B, 3, H, W]`, the i-th text describing the i-th picture; output `loss`. */
function lossGraph(batch: number): Graph {
  const g = new GraphBuilder("scenes-clip");
  const weights = noWeights;
  const ids = g.input("input_ids", "int64", [batch, captionLength]);
  const pixels = g.input("pixel_values", "float32", [
    batch,
    3,
    sceneSize,
    sceneSize,
  ]);
  const text = clipText(g, ids, { config: sceneTextConfig, weights });
  const picture = clipVision(g, pixels, { config: visionConfig, weights });
  const scale = g.exp(g.parameter(scaleKey, []));
  const cosines = g.matMul(
    normalised(g, text.projected!),
    g.transpose(normalised(g, picture.projected!), [1, 0]),
  );
  const logits = g.mul(cosines, scale); // [B texts, B pictures]
  const own = g.constant(identity(batch));
  const sum = g.add(
    crossEntropy(g, logits, own),
    crossEntropy(g, g.transpose(logits, [1, 0]), own),
  );
  return g.build({ loss: g.mul(sum, g.scalar(0.5)) });
}

function identity(size: number): Tensor<"float32"> {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  return float32([size, size], data);
}

/** Captions as `input_ids` `[B, L]`. */
export function captionIds(captions: readonly string[]): Tensor<"int64"> {
  return int64(
    [captions.length, captionLength],
    captions.flatMap(encodeCaption),
  );
}

/** The training task; `updates` and `batch` can be set for a shorter run. */
export function scenesClip(
  { updates, seed, batch = batchSize }: {
    updates: number;
    seed: number;
    batch?: number;
  },
): TrainingTask {
  const random = new TorchGenerator(seed);
  return {
    name: "scenes-clip",
    graph: lossGraph(batch),
    options: {
      seed,
      updates,
      peakLearningRate: 1e-3,
      warmUp: 100,
      weightDecay: 0.05,
      clip: 1,
      averageDecay: 0.995,
      checkpointEvery: 200,
    },
    initial: new Map([
      ...initClipText(sceneTextConfig, random),
      ...initClipVision(visionConfig, random),
      [scaleKey, float32([], [initialScale])],
    ]),
    batch(uniform) {
      const drawn = Array.from({ length: batch }, () => drawCaptioned(uniform));
      return {
        input_ids: captionIds(drawn.map(({ caption }) => caption)),
        pixel_values: renderScenes(drawn.map(({ scene }) => scene), uniform),
      };
    },
  };
}

/** The keys of transformers' configurations that both towers share. */
const encoderJson = {
  attention_dropout: 0,
  dropout: 0,
  hidden_act: encoder.activation,
  hidden_size: encoder.width,
  initializer_factor: 1,
  initializer_range: 0.02,
  intermediate_size: encoder.inner,
  layer_norm_eps: encoder.epsilon,
  num_attention_heads: encoder.heads,
  num_hidden_layers: encoder.layers,
  projection_dim: encoder.projection,
};

/** `config.json` of the text tower. */
export const sceneTextJson = {
  ...encoderJson,
  bos_token_id: endToken - 1,
  eos_token_id: endToken,
  max_position_embeddings: captionLength,
  model_type: "clip_text_model",
  pad_token_id: endToken,
  vocab_size: vocabularySize,
};

const visionJson = {
  ...encoderJson,
  image_size: sceneSize,
  model_type: "clip_vision_model",
  num_channels: 3,
  patch_size: visionConfig.patchSize,
};

/** `preprocessor_config.json`: pictures enter the picture tower in [-1, 1]. */
const preprocessor = {
  crop_size: { height: sceneSize, width: sceneSize },
  do_center_crop: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_processor_type: "CLIPImageProcessor",
  image_std: [0.5, 0.5, 0.5],
  resample: 3,
  rescale_factor: 1 / 255,
  size: { shortest_edge: sceneSize },
};

/** Writes both towers as a `CLIPModel` folder, weights in half precision. */
export async function writeScenesClip(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeSceneTokenizer(folder);
  await writeJson(`${folder}/preprocessor_config.json`, preprocessor);
  await writeJson(`${folder}/config.json`, {
    architectures: ["CLIPModel"],
    logit_scale_init_value: initialScale,
    model_type: "clip",
    projection_dim: encoder.projection,
    text_config: sceneTextJson,
    vision_config: visionJson,
  });
  await writeHalf(`${folder}/model.safetensors`, { weights, metadata });
}
