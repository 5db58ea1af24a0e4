/** For tests: a Stable Diffusion pipeline small enough to be sampled in a second, with random weights. */
import { initClipText } from "../core/models/clip_init.ts";
import type { ClipTextConfig } from "../core/models/clip_config.ts";
import { TorchGenerator } from "../core/random.ts";
import { writeSafetensors } from "../core/weights/safetensors.ts";

const testdata = decodeURIComponent(
  new URL("../testdata", import.meta.url).pathname,
);

const letters = [..."abcdefghijklmnopqrstuvwxyz"];
const tokens = [
  ...letters,
  ...letters.map((letter) => `${letter}</w>`),
  "<|startoftext|>",
  "<|endoftext|>",
];

/** As wide as `testdata/unet-sd15` reads. */
const text: ClipTextConfig = {
  width: 32,
  layers: 2,
  heads: 4,
  inner: 64,
  activation: "quick_gelu",
  epsilon: 1e-5,
  projection: null,
  vocabulary: tokens.length,
  positions: 8,
  endToken: tokens.length - 1,
};

const textJson = {
  architectures: ["CLIPTextModel"],
  eos_token_id: text.endToken,
  hidden_act: text.activation,
  hidden_size: text.width,
  intermediate_size: text.inner,
  layer_norm_eps: text.epsilon,
  max_position_embeddings: text.positions,
  model_type: "clip_text_model",
  num_attention_heads: text.heads,
  num_hidden_layers: text.layers,
  vocab_size: text.vocabulary,
};

const schedulerJson = {
  _class_name: "PNDMScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

/** Copies a recorded network: config and weights. */
async function copyNetwork(from: string, to: string): Promise<void> {
  for (
    const file of ["config.json", "diffusion_pytorch_model.safetensors"]
  ) {
    await Deno.copyFile(`${testdata}/${from}/${file}`, `${to}/${file}`);
  }
}

/** Writes the pipeline in diffusers layout: 16x16 latents, 128x128 pixels, words of single letters. */
export async function writeTinyPipeline(folder: string): Promise<void> {
  const parts = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"];
  for (const part of parts) {
    await Deno.mkdir(`${folder}/${part}`, { recursive: true });
  }
  const write = (name: string, json: unknown) =>
    Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(json));
  await write("model_index.json", { _class_name: "StableDiffusionPipeline" });
  await copyNetwork("unet-sd15", `${folder}/unet`);
  await copyNetwork("vae", `${folder}/vae`);
  await write("scheduler/scheduler_config.json", schedulerJson);
  await write("text_encoder/config.json", textJson);
  await writeSafetensors(
    `${folder}/text_encoder/model.safetensors`,
    initClipText(text, new TorchGenerator(3)),
  );
  const ids = Object.fromEntries(tokens.map((token, id) => [token, id]));
  await write("tokenizer/vocab.json", ids);
  await Deno.writeTextFile(`${folder}/tokenizer/merges.txt`, "#version: 0.2\n");
  await write("tokenizer/tokenizer_config.json", {
    model_max_length: text.positions,
    pad_token: "<|endoftext|>",
  });
}
