/** Published models that are measured by name, without their weights. */
import { type Family, type Network, parseConfig } from "../network.ts";
import { unetDefaults } from "../unet/unet_config.ts";

/** DiT-XL/2 at 256x256 pixels (Peebles and Xie, 2023; facebook/DiT-XL-2-256); diffusers' defaults otherwise. */
const ditXl2 = { _class_name: "DiTTransformer2DModel", out_channels: 8 };

/** Stable Diffusion 1.5's published keys that the network depends on, mostly diffusers' defaults. */
export const sd15 = {
  _class_name: "UNet2DConditionModel",
  ...unetDefaults,
  cross_attention_dim: 768,
  sample_size: 64,
};

/** BK-SDM (Kim et al., 2023): Stable Diffusion 1.4 with one resnet and transformer fewer a level; small has no middle. */
const bkSdmBase = { ...sd15, layers_per_block: 1 };

/** Stable Diffusion 2.1 at 512x512 pixels. */
const sd21Base = {
  ...sd15,
  attention_head_dim: [5, 10, 20, 20],
  cross_attention_dim: 1024,
  use_linear_projection: true,
};

/** Stable Diffusion XL (Podell et al., 2023). */
const sdxl = {
  ...sd21Base,
  addition_embed_type: "text_time",
  addition_time_embed_dim: 256,
  attention_head_dim: [5, 10, 20],
  block_out_channels: [320, 640, 1280],
  cross_attention_dim: 2048,
  down_block_types: [
    "DownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
  ],
  projection_class_embeddings_input_dim: 2816,
  sample_size: 128,
  transformer_layers_per_block: [1, 2, 10],
  up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
};

/** SDXL's refiner: one text tower, and an aesthetic score instead of the picture's target size. */
const sdxlRefiner = {
  ...sdxl,
  attention_head_dim: [6, 12, 24, 24],
  block_out_channels: [384, 768, 1536, 1536],
  cross_attention_dim: 1280,
  down_block_types: [...sdxl.down_block_types, "DownBlock2D"],
  projection_class_embeddings_input_dim: 2560,
  transformer_layers_per_block: 4,
  up_block_types: ["UpBlock2D", ...sdxl.up_block_types],
};

/** SSD-1B and Vega (Gupta et al., 2024): SDXL with fewer transformer blocks, and one resnet as the middle. */
const ssd1b = {
  ...sdxl,
  mid_block_type: "UNetMidBlock2D",
  reverse_transformer_layers_per_block: [[4, 4, 10], [2, 1, 1], 1],
  transformer_layers_per_block: [1, 2, 4],
};
const segmindVega = {
  ...sdxl,
  mid_block_type: "UNetMidBlock2D",
  transformer_layers_per_block: [1, 1, 2],
};

/** A latent consistency model (Luo et al., 2023) of Stable Diffusion 1.5 at 768x768 pixels. */
const lcmDreamshaper = { ...sd15, sample_size: 96, time_cond_proj_dim: 256 };

/** PixArt-α XL/2 at 512x512 pixels (Chen et al., 2023). */
const pixart512 = {
  _class_name: "PixArtTransformer2DModel",
  caption_channels: 4096,
  sample_size: 64,
};

/** PixArt-Σ XL/2 (Chen et al., 2024): without micro-conditions at any size. */
const pixartSigma = {
  ...pixart512,
  use_additional_conditions: false,
};

/** Stable Diffusion 3 medium (Esser et al., 2024). */
const sd3Medium = {
  _class_name: "SD3Transformer2DModel",
  attention_head_dim: 64,
  caption_projection_dim: 1536,
  joint_attention_dim: 4096,
  num_attention_heads: 24,
  num_layers: 24,
  pooled_projection_dim: 2048,
  pos_embed_max_size: 192,
  sample_size: 128,
};

/** Stable Diffusion 3.5 (Stability AI, 2024): norms of queries and keys; medium's first half has dual attention. */
const sd35Medium = {
  ...sd3Medium,
  dual_attention_layers: Array.from({ length: 13 }, (_, layer) => layer),
  pos_embed_max_size: 384,
  qk_norm: "rms_norm",
};
const sd35Large = {
  ...sd3Medium,
  caption_projection_dim: 2432,
  num_attention_heads: 38,
  num_layers: 38,
  qk_norm: "rms_norm",
};

/** FLUX.1 (Black Forest Labs, 2024): schnell has diffusers' default sizes, dev reads the guidance scale. */
const fluxSchnell = { _class_name: "FluxTransformer2DModel" };
const fluxDev = { ...fluxSchnell, guidance_embeds: true };

const known = <F extends Family>(family: F, json: object) => ({
  family,
  config: parseConfig(family, json, "of a known model"),
});

/** Every known model by the name that commands take. */
export const knownModels = {
  "bk-sdm-base": known("unet", bkSdmBase),
  "bk-sdm-small": known("unet", { ...bkSdmBase, mid_block_type: null }),
  "dit-xl-2-256": known("dit", ditXl2),
  "dit-xl-2-512": known("dit", { ...ditXl2, sample_size: 64 }),
  "flux.1-dev": known("flux", fluxDev),
  "flux.1-schnell": { ...known("flux", fluxSchnell), tokens: 256 },
  "lcm-dreamshaper-v7": known("unet", lcmDreamshaper),
  "pixart-alpha-512": known("pixart", pixart512),
  "pixart-alpha-1024": known("pixart", { ...pixart512, sample_size: 128 }),
  "pixart-sigma-512": { ...known("pixart", pixartSigma), tokens: 300 },
  "pixart-sigma-1024": {
    ...known("pixart", { ...pixartSigma, sample_size: 128 }),
    tokens: 300,
  },
  "sd-1.5": known("unet", sd15),
  "sd-1.5-inpainting": known("unet", { ...sd15, in_channels: 9 }),
  "sd-2.1": known("unet", { ...sd21Base, sample_size: 96 }),
  "sd-2.1-base": known("unet", sd21Base),
  "sd-turbo": known("unet", sd21Base),
  "sd3-medium": known("sd3", sd3Medium),
  "sd3.5-large": known("sd3", sd35Large),
  "sd3.5-medium": known("sd3", sd35Medium),
  "sdxl": known("unet", sdxl),
  "sdxl-refiner": known("unet", sdxlRefiner),
  "sdxl-turbo": known("unet", { ...sdxl, sample_size: 64 }),
  "segmind-vega": known("unet", segmindVega),
  "ssd-1b": known("unet", ssd1b),
} satisfies Readonly<Record<string, Network>>;

export type KnownModelName = keyof typeof knownModels;

export const isKnownModel = (name: string): name is KnownModelName =>
  Object.hasOwn(knownModels, name);

/** The known model of a name. @throws {RangeError} If there is none; the message lists the known names. */
export function knownModel(name: string): Network {
  if (isKnownModel(name)) return knownModels[name];
  throw new RangeError(
    `Cannot find model "${name}": known are ${
      Object.keys(knownModels).join(", ")
    }`,
  );
}
