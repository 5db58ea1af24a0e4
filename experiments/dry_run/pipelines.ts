/** The studies' models by name: configurations from which MACs, sizes and schedules follow without weights. */
import {
  type AutoencoderConfig,
  autoencoderKind,
  clipTextKind,
  type KnownModelName,
  knownModels,
  networkKind,
  parseAutoencoderConfig,
  sd15Text,
  sd15Vae,
  t5EncoderKind,
} from "@dip-go/core/models";
import { sizeOf } from "@dip-go/core/tensor";

type Json = Readonly<Record<string, unknown>>;

/** A pipeline without its weights. */
export interface KnownPipeline {
  /** Its diffusion network. */
  readonly network: KnownModelName;
  /** Its text towers. */
  readonly texts: readonly (keyof typeof partParams)[];
  /** The keys of its `scheduler_config.json` that differ from diffusers' defaults. */
  readonly scheduler: Json;
  /** Its autoencoder's configuration; {@linkcode autoencoder} by default. */
  readonly vae?: AutoencoderConfig;
  /** Bytes of a weight in its files and in memory; 4 (single precision) by default. */
  readonly weightBytes?: 2;
}

const clipText = { ...sd15Text, projection_dim: 768 };

/** OpenCLIP ViT-H's tower without its last layer, as Stable Diffusion 2 keeps it. */
const clipTextH = {
  ...clipText,
  hidden_act: "gelu",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  num_hidden_layers: 23,
};

/** OpenCLIP ViT-bigG's tower, Stable Diffusion XL's second. */
const clipTextBigG = {
  ...clipText,
  architectures: ["CLIPTextModelWithProjection"],
  hidden_act: "gelu",
  hidden_size: 1280,
  intermediate_size: 5120,
  num_attention_heads: 20,
  num_hidden_layers: 32,
  projection_dim: 1280,
};

/** T5 1.1 XXL's encoder, which PixArt reads. */
const t5Xxl = {
  d_ff: 10240,
  d_kv: 64,
  d_model: 4096,
  dense_act_fn: "gelu_new",
  feed_forward_proj: "gated-gelu",
  layer_norm_epsilon: 1e-6,
  model_type: "t5",
  num_heads: 64,
  num_layers: 24,
  relative_attention_max_distance: 128,
  relative_attention_num_buckets: 32,
  vocab_size: 32128,
};

const source = "of a known pipeline";
const elements = (shapes: ReadonlyMap<string, readonly number[]>) =>
  [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);

/** The configuration of the autoencoder of Stable Diffusion and PixArt. */
export const autoencoder: AutoencoderConfig = parseAutoencoderConfig(
  sd15Vae,
  source,
);

/** The autoencoder of 16 latent channels, whose shapes Stable Diffusion 3 and FLUX share. */
const vae16 = parseAutoencoderConfig({
  ...sd15Vae,
  latent_channels: 16,
  sample_size: 1024,
  scaling_factor: 1.5305,
  shift_factor: 0.0609,
  use_post_quant_conv: false,
  use_quant_conv: false,
}, source);

const clip = (json: Json) =>
  elements(clipTextKind.parameters(clipTextKind.parse(json, source)));

/** The number of weights of each text tower. */
export const partParams = {
  clipL: () => clip(clipText),
  clipH: () => clip(clipTextH),
  clipBigG: () => clip(clipTextBigG),
  t5: () =>
    elements(t5EncoderKind.parameters(t5EncoderKind.parse(t5Xxl, source))),
};

/** The number of weights of all parts that a pipeline loads: network, text towers and autoencoder. */
export const paramsOf = (
  { network, texts, vae = autoencoder }: KnownPipeline,
): number =>
  texts.reduce(
    (sum, part) => sum + partParams[part](),
    elements(networkKind.parameters(knownModels[network])) +
      elements(autoencoderKind.parameters(vae)),
  );

const sdNoise = {
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  steps_offset: 1,
};
const plms = {
  ...sdNoise,
  _class_name: "PNDMScheduler",
  set_alpha_to_one: false,
  skip_prk_steps: true,
};

/** The parts that the flow-matching pipelines share; their weights are published in bfloat16. */
const flow = {
  scheduler: { _class_name: "FlowMatchEulerDiscreteScheduler", shift: 3 },
  vae: vae16,
  weightBytes: 2,
} as const;
const sd3 = { ...flow, texts: ["clipL", "clipBigG", "t5"] } as const;

const sd1 = { texts: ["clipL"], scheduler: plms } as const;

/** The known pipelines by an experiment's `model`. */
export const pipelines: Readonly<Record<string, KnownPipeline>> = {
  "stable-diffusion-v1-5/stable-diffusion-v1-5": { ...sd1, network: "sd-1.5" },
  "nota-ai/bk-sdm-base": { ...sd1, network: "bk-sdm-base" },
  "nota-ai/bk-sdm-small": { ...sd1, network: "bk-sdm-small" },
  "stabilityai/stable-diffusion-2-1": {
    network: "sd-2.1",
    texts: ["clipH"],
    scheduler: {
      ...sdNoise,
      _class_name: "DDIMScheduler",
      prediction_type: "v_prediction",
      set_alpha_to_one: false,
    },
  },
  "./models/lcm-sdxl": {
    network: "sdxl",
    texts: ["clipL", "clipBigG"],
    scheduler: { ...sdNoise, _class_name: "LCMScheduler" },
  },
  "facebook/DiT-XL-2-256": {
    network: "dit-xl-2-256",
    texts: [],
    scheduler: { _class_name: "DDIMScheduler", clip_sample: false },
  },
  "black-forest-labs/FLUX.1-dev": {
    ...flow,
    network: "flux.1-dev",
    texts: ["clipL", "t5"],
    scheduler: { ...flow.scheduler, use_dynamic_shifting: true },
  },
  "stabilityai/stable-diffusion-3-medium-diffusers": {
    ...sd3,
    network: "sd3-medium",
  },
  "stabilityai/stable-diffusion-3.5-medium": {
    ...sd3,
    network: "sd3.5-medium",
  },
  "stabilityai/stable-diffusion-3.5-large": { ...sd3, network: "sd3.5-large" },
  "PixArt-alpha/PixArt-XL-2-1024-MS": {
    network: "pixart-alpha-1024",
    texts: ["t5"],
    scheduler: { _class_name: "DPMSolverMultistepScheduler" },
  },
};
