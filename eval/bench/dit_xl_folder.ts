/** DiT-XL/2 at 256x256 pixels with random weights and its published scheduler's settings, as a folder: all that speed and memory need of it. */
import { knownModels } from "../../core/models/known_models.ts";
import { networkKind } from "../../core/models/load.ts";
import { ensureComponent, writeJsonFiles } from "./random_component.ts";

const { config } = knownModels["dit-xl-2-256"];

const transformer = {
  _class_name: "DiTTransformer2DModel",
  activation_fn: "gelu-approximate",
  attention_bias: true,
  attention_head_dim: config.headWidth,
  in_channels: config.inChannels,
  norm_elementwise_affine: false,
  norm_eps: config.normEpsilon,
  norm_type: "ada_norm_zero",
  num_attention_heads: config.heads,
  num_embeds_ada_norm: config.classes,
  num_layers: config.layers,
  out_channels: config.outChannels,
  patch_size: config.patchSize,
  sample_size: config.sampleSize,
};

const scheduler = {
  _class_name: "DDIMScheduler",
  beta_schedule: "linear",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
};

/** Writes the folder, 2.7 GB, where it is not there. */
export async function ensureDitXl(folder: string): Promise<void> {
  await writeJsonFiles(folder, {
    "model_index.json": { _class_name: "DiTPipeline" },
    "scheduler/scheduler_config.json": scheduler,
  });
  await ensureComponent(`${folder}/transformer`, transformer, networkKind);
}
