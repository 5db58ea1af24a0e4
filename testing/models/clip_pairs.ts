/** CLIP pairs as they are published: their sizes, configuration and keys, and checkpoints of them with random weights. */
import { TorchGenerator } from "@dip-go/core/random";
import { float32, int64, type Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";

interface Tower {
  width: number;
  inner: number;
  layers: number;
  heads: number;
}

/** A published pair. */
export interface PublishedPair {
  projection: number;
  activation: "gelu" | "quick_gelu";
  text: Tower & { vocabulary: number; positions: number };
  vision: Tower & { imageSize: number; patchSize: number };
  /** The width of the projection in the towers' configurations, which is not read. */
  towersProjection: number;
}

const tokens = { vocabulary: 49408, positions: 77 };
const patches = { imageSize: 224, patchSize: 14 };

/** LAION's ViT-g-14. */
export const vitG: PublishedPair = {
  projection: 1024,
  activation: "gelu",
  text: { width: 1024, inner: 4096, layers: 24, heads: 16, ...tokens },
  vision: { width: 1408, inner: 6144, layers: 40, heads: 16, ...patches },
  towersProjection: 512,
};

/** OpenAI's ViT-L/14. */
export const vitL: PublishedPair = {
  projection: 768,
  activation: "quick_gelu",
  text: { width: 768, inner: 3072, layers: 12, heads: 12, ...tokens },
  vision: { width: 1024, inner: 4096, layers: 24, heads: 16, ...patches },
  towersProjection: 768,
};

/** A small pair like a given one; as in ViT-g, the picture tower's width is no power of 2. Its heads have 22. */
export const reduced = (pair: PublishedPair): PublishedPair => ({
  ...pair,
  projection: 20,
  text: {
    ...{ width: 32, inner: 128, layers: 2, heads: 2 },
    ...{ vocabulary: 50, positions: 9 },
  },
  vision: {
    ...{ width: 44, inner: 192, layers: 3, heads: 2 },
    ...{ imageSize: 28, patchSize: 14 },
  },
});

/** `config.json` as transformers writes it, including fields that are never read. */
export function clipPairJson(
  { projection, activation, text, vision, towersProjection }: PublishedPair,
) {
  const tower = ({ width, inner, layers, heads }: Tower) => ({
    _name_or_path: "",
    architectures: null,
    attention_dropout: 0.0,
    dropout: 0.0,
    hidden_act: activation,
    hidden_size: width,
    initializer_factor: 1.0,
    intermediate_size: inner,
    layer_norm_eps: 1e-5,
    num_attention_heads: heads,
    num_hidden_layers: layers,
    projection_dim: towersProjection,
    torch_dtype: null,
  });
  return {
    architectures: ["CLIPModel"],
    initializer_factor: 1.0,
    logit_scale_init_value: 2.6592,
    model_type: "clip",
    projection_dim: projection,
    text_config: {
      ...tower(text),
      bos_token_id: 0,
      eos_token_id: 2,
      max_position_embeddings: text.positions,
      model_type: "clip_text_model",
      pad_token_id: 1,
      vocab_size: text.vocabulary,
    },
    torch_dtype: "float32",
    vision_config: {
      ...tower(vision),
      image_size: vision.imageSize,
      model_type: "clip_vision_model",
      num_channels: 3,
      patch_size: vision.patchSize,
    },
  };
}

/** The key and shape of every weight in a published file, without the position ids. */
export function publishedKeys(
  { projection, text, vision }: PublishedPair,
): Map<string, number[]> {
  const keys = new Map<string, number[]>([["logit_scale", []]]);
  const linear = (path: string, out: number, from: number) => {
    keys.set(`${path}.weight`, [out, from]);
    keys.set(`${path}.bias`, [out]);
  };
  const norm = (path: string, width: number) => {
    keys.set(`${path}.weight`, [width]);
    keys.set(`${path}.bias`, [width]);
  };
  const layers = (tower: string, { width, inner, layers }: Tower) => {
    for (let i = 0; i < layers; i++) {
      const path = `${tower}.encoder.layers.${i}`;
      for (const name of ["k", "v", "q", "out"]) {
        linear(`${path}.self_attn.${name}_proj`, width, width);
      }
      norm(`${path}.layer_norm1`, width);
      linear(`${path}.mlp.fc1`, inner, width);
      linear(`${path}.mlp.fc2`, width, inner);
      norm(`${path}.layer_norm2`, width);
    }
  };
  const t = "text_model";
  keys.set(`${t}.embeddings.token_embedding.weight`, [
    text.vocabulary,
    text.width,
  ]);
  keys.set(`${t}.embeddings.position_embedding.weight`, [
    text.positions,
    text.width,
  ]);
  layers(t, text);
  norm(`${t}.final_layer_norm`, text.width);
  const v = "vision_model";
  const { width, patchSize: p, imageSize } = vision;
  keys.set(`${v}.embeddings.class_embedding`, [width]);
  keys.set(`${v}.embeddings.patch_embedding.weight`, [width, 3, p, p]);
  keys.set(`${v}.embeddings.position_embedding.weight`, [
    (imageSize / p) ** 2 + 1,
    width,
  ]);
  norm(`${v}.pre_layrnorm`, width);
  layers(v, vision);
  norm(`${v}.post_layernorm`, width);
  keys.set("visual_projection.weight", [projection, width]);
  keys.set("text_projection.weight", [projection, text.width]);
  return keys;
}

/** A published file with random weights, and with the position ids that older versions of transformers wrote. */
export function checkpoint(pair: PublishedPair): Map<string, Tensor> {
  const random = new TorchGenerator(23);
  const tensors = new Map<string, Tensor>();
  for (const [key, shape] of publishedKeys(pair)) {
    const { data } = random.randn(shape);
    const isNorm = /norm\d?\.weight$/.test(key);
    const values = data.map((x) => isNorm ? 1 + 0.1 * x : 0.2 * x);
    tensors.set(key, float32(shape, values));
  }
  const counted = (length: number) =>
    int64([1, length], Array.from({ length }, (_, i) => i));
  const { text, vision } = pair;
  tensors.set("text_model.embeddings.position_ids", counted(text.positions));
  tensors.set(
    "vision_model.embeddings.position_ids",
    counted((vision.imageSize / vision.patchSize) ** 2 + 1),
  );
  return tensors;
}

/** Writes a `CLIPModel` folder. */
export async function writePair(
  folder: string,
  pair: PublishedPair,
  tensors: Map<string, Tensor>,
) {
  await Deno.writeTextFile(
    `${folder}/config.json`,
    JSON.stringify(clipPairJson(pair)),
  );
  await writeSafetensors(`${folder}/model.safetensors`, tensors);
}
