/**
 * Infers the configurations of a pipeline from a checkpoint in the original layout:
 * Stable Diffusion 1 and 2 (Rombach et al., 2022), SDXL and its refiner (Podell et
 * al., 2023). The networks follow from the tensors; other values are as published.
 */
import { originalAutoencoder } from "../../weights/original/autoencoder.ts";
import {
  type OriginalTower,
  originalTowers,
} from "../../weights/original/text.ts";
import { isOriginal, originalUnet } from "../../weights/original/unet.ts";
import type { TensorFile } from "../../weights/tensor_file.ts";
import { autoencoderJson } from "./autoencoder_json.ts";
import { Structure } from "./structure.ts";
import { textJson } from "./text_json.ts";
import { unetJson } from "./unet_json.ts";

/** Configurations by their path in a pipeline's folder. */
export type PipelineJson = Readonly<Record<string, Record<string, unknown>>>;

type Kind = "v1" | "v2" | "xl" | "refiner";

/** The noise schedule of every published checkpoint of these models. */
const trained = {
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  steps_offset: 1,
};

/** The published schedulers, and the values of the networks that no tensor determines. */
const published = {
  v1: {
    sampleSize: 64,
    scalingFactor: 0.18215,
    scheduler: {
      _class_name: "PNDMScheduler",
      ...trained,
      set_alpha_to_one: false,
      skip_prk_steps: true,
    },
  },
  v2: {
    sampleSize: 96,
    scalingFactor: 0.18215,
    scheduler: {
      _class_name: "DDIMScheduler",
      ...trained,
      clip_sample: false,
      prediction_type: "v_prediction",
      set_alpha_to_one: false,
    },
  },
  xl: {
    sampleSize: 128,
    scalingFactor: 0.13025,
    scheduler: {
      _class_name: "EulerDiscreteScheduler",
      ...trained,
      interpolation_type: "linear",
      prediction_type: "epsilon",
      timestep_spacing: "leading",
      use_karras_sigmas: false,
    },
  },
} as const;

/**
 * Infers the configurations of a checkpoint.
 *
 * @throws {TypeError} If the file is no checkpoint in the original layout of these models.
 * @throws {RangeError} If a tensor of one of its networks is missing.
 */
export function pipelineJson(file: TensorFile): PipelineJson {
  const towers = originalTowers(file);
  const kind = kindOf(file, towers);
  const isXl = kind === "xl" || kind === "refiner";
  const facts = published[kind === "refiner" ? "xl" : kind];
  const unet = new Structure(originalUnet(file));
  const vae = new Structure(originalAutoencoder(file));
  const unetConfig = unetJson(unet, facts.sampleSize);
  return {
    "model_index.json": indexOf(kind, unetConfig.in_channels === 9),
    "scheduler/scheduler_config.json": facts.scheduler,
    "unet/config.json": unetConfig,
    "vae/config.json": autoencoderJson(vae, {
      scaling_factor: facts.scalingFactor,
      force_upcast: isXl,
      sample_size: 8 * facts.sampleSize,
    }),
    ...Object.fromEntries(
      towers.map((tower, i) => [
        `${towerFolders[kind][i]}/config.json`,
        textJson(tower, {
          projects: isXl && tower.isOpenClip,
          skipped: kind === "v2" ? 1 : 0,
        }),
      ]),
    ),
  };
}

/** The folders of a pipeline's text towers. */
const towerFolders: Readonly<Record<Kind, readonly string[]>> = {
  v1: ["text_encoder"],
  v2: ["text_encoder"],
  xl: ["text_encoder", "text_encoder_2"],
  refiner: ["text_encoder_2"],
};

/** A tokenizer that a pipeline needs. */
export interface NeededTokenizer {
  /** The tokenizer's folder within the pipeline's. */
  readonly folder: string;
  /** The padding token. */
  readonly padding: string;
  /** The number of tokens of a text. */
  readonly length: unknown;
}

/** The tokenizers of a checkpoint's text towers; open_clip's towers pad with "!", CLIP's with the end token. */
export const tokenizersOf = (json: PipelineJson): NeededTokenizer[] =>
  [["text_encoder", "tokenizer"], ["text_encoder_2", "tokenizer_2"]]
    .flatMap(([tower, folder]) => {
      const config = json[`${tower}/config.json`];
      if (!config) return [];
      const isOpenClip = config.hidden_act === "gelu";
      return [{
        folder,
        padding: isOpenClip ? "!" : "<|endoftext|>",
        length: config.max_position_embeddings,
      }];
    });

function kindOf(file: TensorFile, towers: readonly OriginalTower[]): Kind {
  if (!isOriginal(file)) {
    throw new TypeError(
      `Cannot load model ${file.path}: its tensors are not those of a checkpoint of Stable Diffusion 1, 2 or XL in the original layout ("model.diffusion_model.input_blocks…"); a file in diffusers' layout goes with its folder`,
    );
  }
  if (towers.length === 0) {
    throw new TypeError(
      `Cannot load model ${file.path}: it has no text tower, expected cond_stage_model or conditioner.embedders`,
    );
  }
  const hasAdded = file.tensors.has(
    "model.diffusion_model.label_emb.0.0.weight",
  );
  if (hasAdded) return towers.length === 2 ? "xl" : "refiner";
  return towers[0].isOpenClip ? "v2" : "v1";
}

/** The pipeline class of each kind, and its class for inpainting. */
const classes: Readonly<Record<Kind, readonly [string, string]>> = {
  v1: ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline"],
  v2: ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline"],
  xl: ["StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline"],
  refiner: [
    "StableDiffusionXLImg2ImgPipeline",
    "StableDiffusionXLInpaintPipeline",
  ],
};

function indexOf(kind: Kind, inpaints: boolean): Record<string, unknown> {
  const _class_name = classes[kind][inpaints ? 1 : 0];
  if (kind === "xl") return { _class_name, force_zeros_for_empty_prompt: true };
  if (kind !== "refiner") return { _class_name };
  return {
    _class_name,
    force_zeros_for_empty_prompt: false,
    requires_aesthetics_score: true,
  };
}
