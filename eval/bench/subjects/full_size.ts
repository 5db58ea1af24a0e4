/**
 * Folders of published models at full size with random weights, enough for speed
 * and memory. A folder is written once and mapped by every session that runs it.
 */
import { isFile, writeAtomically } from "@dip-go/core/files";
import {
  autoencoderKind,
  clipTextKind,
  type ComponentKind,
  ditConfigJson,
  knownModels,
  networkKind,
  randomWeights,
  sd15 as unet,
  sd15Text,
  sd15Vae as vae,
  writeComponent,
} from "@dip-go/core/models";
import {
  makeSampler,
  parseSchedulerConfig,
  type Sampler,
} from "@dip-go/core/samplers";

type Json = Readonly<Record<string, unknown>>;

/** Writes a part's `config.json` and random weights, unless its weights are there. */
async function ensureComponent<Config>(
  folder: string,
  json: Json,
  kind: ComponentKind<Config>,
): Promise<void> {
  if (await isFile(`${folder}/${kind.weightFile}`)) return;
  console.error(`writing random weights to ${folder}`);
  await writeComponent(folder, json, { kind, source: randomWeights(0) });
}

/** Writes a folder's small files, texts or JSON by their paths in the folder. */
async function writeFiles(
  folder: string,
  files: Readonly<Record<string, Json | string>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = `${folder}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content);
    await writeAtomically(file, text);
  }
}

/** DiT's published scheduler settings, also for benches of other models that any settings would suit. */
const ddimConfig = {
  _class_name: "DDIMScheduler",
  beta_schedule: "linear",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
};

/** A sampler for networks without a folder. */
export const ddimSampler = (steps: number): Sampler =>
  makeSampler(parseSchedulerConfig(ddimConfig, "bench"), { steps });

/** Writes DiT-XL/2 for 256x256 pixels, 2.7 GB, unless its weights are there, and returns the folder. */
export async function ensureDitXl(folder: string): Promise<string> {
  await writeFiles(folder, {
    "model_index.json": { _class_name: "DiTPipeline" },
    "scheduler/scheduler_config.json": ddimConfig,
  });
  const config = ditConfigJson(knownModels["dit-xl-2-256"].config);
  await ensureComponent(`${folder}/transformer`, config, networkKind);
  return folder;
}

const endToken = sd15Text.vocab_size - 1;

/** A vocabulary of single letters, which is enough: a text's content changes no time. */
function vocabulary(): Record<string, number> {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`)];
  return {
    ...Object.fromEntries(tokens.map((token, id) => [token, id])),
    "<|startoftext|>": endToken - 1,
    "<|endoftext|>": endToken,
  };
}

/** The small files of Stable Diffusion 1.5, with the index of diffusers' own folders. */
const sd15Files = {
  "model_index.json": {
    _class_name: "StableDiffusionPipeline",
    feature_extractor: [null, null],
    safety_checker: [null, null],
    scheduler: ["diffusers", "PNDMScheduler"],
    text_encoder: ["transformers", "CLIPTextModel"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", "AutoencoderKL"],
  },
  "scheduler/scheduler_config.json": {
    _class_name: "PNDMScheduler",
    beta_end: 0.012,
    beta_schedule: "scaled_linear",
    beta_start: 0.00085,
    num_train_timesteps: 1000,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
  },
  "tokenizer/vocab.json": vocabulary(),
  "tokenizer/tokenizer_config.json": {
    model_max_length: 77,
    pad_token: "<|endoftext|>",
  },
  "tokenizer/merges.txt": "#version: 0.2\n",
};

/** Writes Stable Diffusion 1.5's small files and UNet, 3.4 GB, unless the weights are there; returns the folder. */
export async function ensureSd15Unet(folder: string): Promise<string> {
  await writeFiles(folder, sd15Files);
  await ensureComponent(`${folder}/unet`, unet, networkKind);
  return folder;
}

/** Writes Stable Diffusion 1.5's folder, 4.3 GB, except weights that are there. */
export async function ensureSd15(folder: string): Promise<void> {
  await ensureSd15Unet(folder);
  await ensureComponent(`${folder}/vae`, vae, autoencoderKind);
  const textEncoder = { ...sd15Text, eos_token_id: endToken };
  await ensureComponent(`${folder}/text_encoder`, textEncoder, clipTextKind);
}
