/** Stable Diffusion 1.5's pipeline at full size with random weights, as a folder: all that speed and memory need of it. */
import { isFile } from "../../core/is_file.ts";
import { autoencoderKind } from "../../core/models/autoencoder_kl.ts";
import { clipTextKind } from "../../core/models/clip_load.ts";
import { sd15 as unet } from "../../core/models/known_models.ts";
import { networkKind } from "../../core/models/load.ts";
import { randomWeights } from "../../core/models/random_weights.ts";
import { writeComponent } from "../../core/models/write_component.ts";
import { writeAtomically } from "../../core/write_atomically.ts";

const levels = (count: number, type: string) => Array<string>(count).fill(type);

const vae = {
  _class_name: "AutoencoderKL",
  act_fn: "silu",
  block_out_channels: [128, 256, 512, 512],
  down_block_types: levels(4, "DownEncoderBlock2D"),
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 512,
  scaling_factor: 0.18215,
  up_block_types: levels(4, "UpDecoderBlock2D"),
};

const endToken = 49407;

const textEncoder = {
  architectures: ["CLIPTextModel"],
  eos_token_id: endToken,
  hidden_act: "quick_gelu",
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 77,
  model_type: "clip_text_model",
  num_attention_heads: 12,
  num_hidden_layers: 12,
  vocab_size: endToken + 1,
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

/** Tokens of single letters are enough: what a text says changes no time. */
function vocabulary(): Record<string, number> {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`)];
  return {
    ...Object.fromEntries(tokens.map((token, id) => [token, id])),
    "<|startoftext|>": endToken - 1,
    "<|endoftext|>": endToken,
  };
}

/** Writes the folder, 4.3 GB, if it is not there. */
export async function ensureSd15(folder: string): Promise<void> {
  const index = `${folder}/model_index.json`;
  if (await isFile(index)) return;
  console.error(`writing random weights, 4.3 GB, to ${folder}`);
  const source = randomWeights(0);
  await writeComponent(`${folder}/unet`, unet, { kind: networkKind, source });
  await writeComponent(`${folder}/vae`, vae, { kind: autoencoderKind, source });
  await writeComponent(`${folder}/text_encoder`, textEncoder, {
    kind: clipTextKind,
    source,
  });
  const write = async (name: string, json: unknown) => {
    await Deno.mkdir(`${folder}/${name.split("/")[0]}`, { recursive: true });
    await writeAtomically(`${folder}/${name}`, JSON.stringify(json));
  };
  await write("scheduler/scheduler_config.json", scheduler);
  await write("tokenizer/vocab.json", vocabulary());
  await write("tokenizer/tokenizer_config.json", {
    model_max_length: 77,
    pad_token: "<|endoftext|>",
  });
  await writeAtomically(`${folder}/tokenizer/merges.txt`, "#version: 0.2\n");
  // Last: where the index is, the folder is whole.
  const pipeline = { _class_name: "StableDiffusionPipeline" };
  await writeAtomically(index, JSON.stringify(pipeline));
}
