/** For tests: pipelines small enough to be sampled in a second, with random weights. */
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { readJson } from "@dip-go/core/files";
import {
  clipTextKind,
  networkKind,
  t5EncoderKind,
  writeComponent,
} from "@dip-go/core/models";
import { livelyWeights } from "@dip-go/core/models";
import {
  craftSentencePiece,
  type Piece,
} from "../files/craft_sentencepiece.ts";

const testdata = decodeURIComponent(
  new URL("../../testdata", import.meta.url).pathname,
);

const letters = [..."abcdefghijklmnopqrstuvwxyz"];
const tokens = [
  ...letters,
  ...letters.map((letter) => `${letter}</w>`),
  "<|startoftext|>",
  "<|endoftext|>",
];

/** The number of text tokens in the pipelines with CLIP towers. */
const positions = 8;

/** The width of the first tower, which `testdata/unet-sd15` expects. */
const width = 32;

const tower = {
  architectures: ["CLIPTextModel"],
  eos_token_id: tokens.length - 1,
  hidden_act: "quick_gelu",
  hidden_size: width,
  intermediate_size: 2 * width,
  layer_norm_eps: 1e-5,
  max_position_embeddings: positions,
  model_type: "clip_text_model",
  num_attention_heads: 4,
  num_hidden_layers: 2,
  vocab_size: tokens.length,
};

/** SDXL's second tower, which projects. */
const secondTower = {
  ...tower,
  architectures: ["CLIPTextModelWithProjection"],
  hidden_act: "gelu",
  hidden_size: 24,
  num_hidden_layers: 3,
  projection_dim: 20,
};

/** The keys that make a UNet one of SDXL's: three levels, and two added conditions. */
const sdxlUnet = {
  addition_embed_type: "text_time",
  addition_time_embed_dim: 4,
  attention_head_dim: [1, 2, 4],
  block_out_channels: [16, 24, 32],
  cross_attention_dim: width + secondTower.hidden_size,
  down_block_types: [
    "DownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
  ],
  projection_class_embeddings_input_dim: 6 * 4 + secondTower.projection_dim,
  transformer_layers_per_block: [1, 1, 2],
  up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
  use_linear_projection: true,
};

/** A T5 of the width that `testdata/pixart-micro` expects. */
const t5 = {
  model_type: "t5",
  feed_forward_proj: "gated-gelu",
  vocab_size: 3 + letters.length,
  d_model: 40,
  d_kv: 8,
  d_ff: 48,
  num_layers: 2,
  num_heads: 3,
  layer_norm_epsilon: 1e-6,
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
};

/** SD3's first tower, which projects too. */
const projectingTower = {
  ...tower,
  architectures: ["CLIPTextModelWithProjection"],
  projection_dim: 12,
};

/** A T5 that is wider than SD3's two towers together. */
const wideT5 = { ...t5, d_model: 64 };

const sd3 = {
  _class_name: "SD3Transformer2DModel",
  attention_head_dim: 8,
  caption_projection_dim: 16,
  in_channels: 4,
  joint_attention_dim: wideT5.d_model,
  num_attention_heads: 2,
  num_layers: 2,
  out_channels: 4,
  pooled_projection_dim: projectingTower.projection_dim +
    secondTower.projection_dim,
  pos_embed_max_size: 8,
  sample_size: 16,
};

const flux = {
  _class_name: "FluxTransformer2DModel",
  attention_head_dim: 8,
  axes_dims_rope: [2, 4, 2],
  guidance_embeds: true,
  in_channels: 16,
  joint_attention_dim: t5.d_model,
  num_attention_heads: 2,
  num_layers: 1,
  num_single_layers: 1,
  pooled_projection_dim: width,
};

const flowScheduler = {
  _class_name: "FlowMatchEulerDiscreteScheduler",
  shift: 3,
};

const scheduler = {
  _class_name: "PNDMScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

const schedulerFile = "scheduler_config.json";

/** Class of a pipeline, as its `model_index.json` names it. */
export type PipelineClass =
  | "DiTPipeline"
  | "FluxPipeline"
  | "PixArtAlphaPipeline"
  | "StableDiffusion3Pipeline"
  | "StableDiffusionPipeline"
  | "StableDiffusionXLPipeline";

/** The writers of a pipeline's networks, and of its scheduler if it is not PNDM's, by class. */
const writers: Readonly<
  Record<PipelineClass, (folder: string) => Promise<void>>
> = {
  DiTPipeline: (folder: string) => copyNetwork("dit", `${folder}/transformer`),
  FluxPipeline: async (folder: string) => {
    await writeTransformer(folder, flux);
    await writeTower(folder, { json: tower, suffix: "" });
    await writeT5(folder, { json: t5, suffix: "_2" });
    await writeJson(`${folder}/scheduler`, schedulerFile, flowScheduler);
  },
  StableDiffusion3Pipeline: async (folder: string) => {
    await writeTransformer(folder, sd3);
    await writeTower(folder, { json: projectingTower, suffix: "" });
    await writeTower(folder, { json: secondTower, suffix: "_2" });
    await writeT5(folder, { json: wideT5, suffix: "_3" });
    await writeJson(`${folder}/scheduler`, schedulerFile, flowScheduler);
  },
  StableDiffusionPipeline: async (folder: string) => {
    await copyNetwork("unet-sd15", `${folder}/unet`);
    await writeTower(folder, { json: tower, suffix: "" });
  },
  StableDiffusionXLPipeline: async (folder: string) => {
    const sd15 = await readJson(`${testdata}/unet-sd15/config.json`);
    await writeComponent(
      `${folder}/unet`,
      { ...(sd15 as Record<string, unknown>), ...sdxlUnet },
      { kind: networkKind, source: livelyWeights(4) },
    );
    await writeTower(folder, { json: tower, suffix: "" });
    await writeTower(folder, { json: secondTower, suffix: "_2" });
  },
  PixArtAlphaPipeline: async (folder: string) => {
    await copyNetwork("pixart-micro", `${folder}/transformer`);
    await writeT5(folder, { json: t5, suffix: "" });
  },
};

/** Writes a pipeline in diffusers layout: 16x16 latents, 128x128 pixels, words of single letters. */
export async function writeTinyPipeline(
  folder: string,
  pipeline: PipelineClass = "StableDiffusionPipeline",
): Promise<void> {
  await copyNetwork("vae", `${folder}/vae`);
  await writeJson(`${folder}/scheduler`, schedulerFile, scheduler);
  await writers[pipeline](folder);
  await writeJson(folder, "model_index.json", { _class_name: pipeline });
}

/** Runs `body` in the folder of a pipeline, which is removed afterwards. */
export const inTinyPipeline = (
  pipeline: PipelineClass,
  body: (folder: string) => Promise<void>,
): Promise<void> =>
  inTemporaryFolder(async (folder) => {
    await writeTinyPipeline(folder, pipeline);
    await body(folder);
  });

async function writeJson(
  folder: string,
  name: string,
  json: unknown,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(json));
}

/** Copies a recorded network: config and weights. */
async function copyNetwork(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (
    const file of ["config.json", "diffusion_pytorch_model.safetensors"]
  ) {
    await Deno.copyFile(`${testdata}/${from}/${file}`, `${to}/${file}`);
  }
}

async function writeTower(
  pipeline: string,
  { json, suffix }: { json: Record<string, unknown>; suffix: "" | "_2" },
): Promise<void> {
  await writeComponent(`${pipeline}/text_encoder${suffix}`, json, {
    kind: clipTextKind,
    source: livelyWeights(suffix === "" ? 3 : 5),
  });
  const folder = `${pipeline}/tokenizer${suffix}`;
  const ids = Object.fromEntries(tokens.map((token, id) => [token, id]));
  await writeJson(folder, "vocab.json", ids);
  await Deno.writeTextFile(`${folder}/merges.txt`, "#version: 0.2\n");
  await writeJson(folder, "tokenizer_config.json", {
    model_max_length: positions,
    pad_token: suffix === "" ? "<|endoftext|>" : "a", // the two differ, as in SDXL
  });
}

const writeTransformer = (
  pipeline: string,
  json: Record<string, unknown>,
): Promise<void> =>
  writeComponent(`${pipeline}/transformer`, json, {
    kind: networkKind,
    source: livelyWeights(4),
  });

async function writeT5(
  pipeline: string,
  { json, suffix }: { json: Record<string, unknown>; suffix: string },
): Promise<void> {
  await writeComponent(`${pipeline}/text_encoder${suffix}`, json, {
    kind: t5EncoderKind,
    source: livelyWeights(6),
  });
  await writeT5Tokenizer(`${pipeline}/tokenizer${suffix}`);
}

async function writeT5Tokenizer(folder: string): Promise<void> {
  const pieces: Piece[] = [
    ["<pad>", 0, 3],
    ["</s>", 0, 3],
    ["<unk>", 0, 2],
    ...letters.map((letter): Piece => [`▁${letter}`, -3, 1]),
  ];
  await writeJson(folder, "tokenizer_config.json", {
    model_max_length: 512,
    pad_token: "<pad>",
  });
  const bytes = craftSentencePiece(pieces);
  await Deno.writeFile(`${folder}/spiece.model`, bytes);
}
