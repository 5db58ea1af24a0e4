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
type PipelineJson = Readonly<Record<string, Record<string, unknown>>>;

/** The noise schedule of every published checkpoint of these models. */
const trained = {
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  steps_offset: 1,
};

const first = {
  /** The pipeline's class, and its class for inpainting. */
  classes: ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline"],
  /** Further keys of the pipeline's index. */
  index: {},
  /** Ends of the names of the folders of text towers and tokenizers. */
  texts: [""],
  scalingFactor: 0.18215,
};

const xl = {
  classes: ["StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline"],
  index: { force_zeros_for_empty_prompt: true },
  texts: ["", "_2"],
  scalingFactor: 0.13025,
  sampleSize: 128,
  scheduler: {
    _class_name: "EulerDiscreteScheduler",
    ...trained,
    interpolation_type: "linear",
    prediction_type: "epsilon",
    timestep_spacing: "leading",
    use_karras_sigmas: false,
  },
};

/** The published pipelines, and the values of their networks that no tensor determines. */
const published = {
  v1: {
    ...first,
    sampleSize: 64,
    scheduler: {
      _class_name: "PNDMScheduler",
      ...trained,
      set_alpha_to_one: false,
      skip_prk_steps: true,
    },
  },
  v2: {
    ...first,
    sampleSize: 96,
    scheduler: {
      _class_name: "DDIMScheduler",
      ...trained,
      clip_sample: false,
      prediction_type: "v_prediction",
      set_alpha_to_one: false,
    },
  },
  xl,
  refiner: {
    ...xl,
    classes: [
      "StableDiffusionXLImg2ImgPipeline",
      "StableDiffusionXLInpaintPipeline",
    ],
    index: {
      force_zeros_for_empty_prompt: false,
      requires_aesthetics_score: true,
    },
    texts: ["_2"],
  },
};

type Kind = keyof typeof published;

/**
 * Infers the configurations of a checkpoint, those of its tokenizers among them.
 *
 * @throws {TypeError} If the file is no checkpoint in the original layout of these models.
 * @throws {RangeError} If a tensor of one of its networks is missing.
 */
export function pipelineJson(file: TensorFile): PipelineJson {
  const towers = originalTowers(file);
  const kind = kindOf(file, towers);
  const isXl = kind === "xl" || kind === "refiner";
  const facts = published[kind];
  const unet = new Structure(originalUnet(file));
  const vae = new Structure(originalAutoencoder(file));
  const unetConfig = unetJson(unet, facts.sampleSize);
  const inpaints = unetConfig.in_channels === 9;
  const texts = facts.texts.flatMap((end, i) => {
    const { isOpenClip } = towers[i];
    const config = textJson(towers[i], {
      projects: isXl && isOpenClip,
      skipped: kind === "v2" ? 1 : 0,
    });
    const tokenizer = {
      model_max_length: config.max_position_embeddings,
      pad_token: isOpenClip ? "!" : "<|endoftext|>",
    };
    return [
      [`text_encoder${end}/config.json`, config],
      [`tokenizer${end}/tokenizer_config.json`, tokenizer],
    ];
  });
  return {
    "model_index.json": {
      _class_name: facts.classes[inpaints ? 1 : 0],
      ...facts.index,
    },
    "scheduler/scheduler_config.json": facts.scheduler,
    "unet/config.json": unetConfig,
    "vae/config.json": autoencoderJson(vae, {
      scaling_factor: facts.scalingFactor,
      force_upcast: isXl,
      sample_size: 8 * facts.sampleSize,
    }),
    ...Object.fromEntries(texts),
  };
}

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
