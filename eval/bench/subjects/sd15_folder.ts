/** Stable Diffusion 1.5's pipeline at full size with random weights, as a folder: all that speed and memory need of it. */
import { writeAtomically } from "@dip-go/core/files";
import {
  autoencoderKind,
  clipTextKind,
  networkKind,
  sd15 as unet,
  sd15Text,
  sd15Vae as vae,
} from "@dip-go/core/models";
import { ensureComponent, writeJsonFiles } from "./random_component.ts";

const endToken = sd15Text.vocab_size - 1;

const textEncoder = { ...sd15Text, eos_token_id: endToken };

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

/** Tokens of single letters are enough: a text's content changes no time. */
function vocabulary(): Record<string, number> {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`)];
  return {
    ...Object.fromEntries(tokens.map((token, id) => [token, id])),
    "<|startoftext|>": endToken - 1,
    "<|endoftext|>": endToken,
  };
}

/** The tokenizer's files: merges make no JSON. */
async function writeTokenizer(folder: string): Promise<void> {
  await writeJsonFiles(folder, {
    "vocab.json": vocabulary(),
    "tokenizer_config.json": {
      model_max_length: 77,
      pad_token: "<|endoftext|>",
    },
  });
  await writeAtomically(`${folder}/merges.txt`, "#version: 0.2\n");
}

/** What the folder has, by library and class, as diffusers' own folders say it. */
const index = {
  _class_name: "StableDiffusionPipeline",
  feature_extractor: [null, null],
  safety_checker: [null, null],
  scheduler: ["diffusers", "PNDMScheduler"],
  text_encoder: ["transformers", "CLIPTextModel"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
};

/** Writes the files that the UNet alone needs, 3.4 GB, where they are not there, and returns the folder. */
export async function ensureSd15Unet(folder: string): Promise<string> {
  await writeJsonFiles(folder, {
    "model_index.json": index,
    "scheduler/scheduler_config.json": scheduler,
  });
  await writeTokenizer(`${folder}/tokenizer`);
  await ensureComponent(`${folder}/unet`, unet, networkKind);
  return folder;
}

/** Writes the folder, 4.3 GB, where it is not there. */
export async function ensureSd15(folder: string): Promise<void> {
  await ensureSd15Unet(folder);
  await ensureComponent(`${folder}/vae`, vae, autoencoderKind);
  const textFolder = `${folder}/text_encoder`;
  await ensureComponent(textFolder, textEncoder, clipTextKind);
}
