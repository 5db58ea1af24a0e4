/**
 * The embedded diffusion transformer: 2.5 million parameters, 24x24 pixels in
 * patches of 3, trained from scratch on the shapes of `shapes.ts`. It works on
 * pixels: its folder has no autoencoder.
 */
import {
  ditBlockGraph,
  type DitConfig,
  ditConfigJson,
  initDitWeights,
  noWeights,
} from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  makeNoiseSchedule,
  noiseConfig,
  parseSchedulerConfig,
} from "@dip-go/core/samplers";
import { int64, type Tensor } from "@dip-go/core/tensor";
import { diffusionLossGraph, noisedBatch } from "../teaching/diffusion_loss.ts";
import { writeConfigs, writeHalf } from "../training/model_folder.ts";
import { pictureSize, renderBatch } from "../data/render.ts";
import { classNames } from "../data/shapes.ts";
import type { TrainingTask } from "../training/trainer.ts";

const classes = classNames.length;
const config: DitConfig = {
  sampleSize: pictureSize,
  patchSize: 3,
  inChannels: 3,
  outChannels: 3,
  layers: 12,
  heads: 3,
  headWidth: 32,
  classes,
  normEpsilon: 1e-5,
};

/** `transformer/config.json` with diffusers' keys. */
const transformerConfig = {
  ...ditConfigJson(config),
  dropout: 0,
  norm_num_groups: 32,
  upcast_attention: false,
};

const schedulerConfig = {
  _class_name: "DDIMScheduler",
  beta_end: 0.02,
  beta_schedule: "squaredcos_cap_v2",
  beta_start: 0.0001,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  rescale_betas_zero_snr: false,
  set_alpha_to_one: true,
  steps_offset: 0,
  thresholding: false,
  timestep_spacing: "trailing",
  trained_betas: null,
};

const modelIndex = {
  _class_name: "DiTPipeline",
  id2label: Object.fromEntries(classNames.map((name, id) => [id, name])),
  scheduler: ["diffusers", "DDIMScheduler"],
  transformer: ["diffusers", "DiTTransformer2DModel"],
};

const batchSize = 64;
/** Probability of the null class, which trains classifier-free guidance (Ho and Salimans, 2021). */
const labelDropout = 0.1;

/** The training task; `updates` can be set for a shorter run. */
export function ditShapes(
  { updates, seed }: { updates: number; seed: number },
): TrainingTask {
  const { alphasCumprod } = makeNoiseSchedule(
    noiseConfig(parseSchedulerConfig(schedulerConfig, "dit-shapes scheduler")),
  );
  const noising = { alphasCumprod, snrCap: 5 };
  return {
    name: "dit-shapes",
    graph: diffusionLossGraph(
      ditBlockGraph(config, noWeights, { batch: batchSize }),
    ),
    options: {
      seed,
      updates,
      peakLearningRate: 1.5e-3,
      warmUp: 200,
      weightDecay: 0.01,
      clip: 1,
      averageDecay: 0.998,
      checkpointEvery: 200,
    },
    initial: initDitWeights(config, new TorchGenerator(seed)),
    batch(uniform) {
      const labels = Array.from(
        { length: batchSize },
        () => Math.floor(uniform() * classes),
      );
      const pictures = renderBatch(labels, { uniform });
      const noised = noisedBatch(pictures, uniform, noising);
      const kept = labels.map((c) => uniform() < labelDropout ? classes : c);
      return { ...noised, class_labels: int64([batchSize], kept) };
    },
  };
}

/** Writes a pipeline folder in diffusers layout, weights in half precision. */
export async function writeDitShapes(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeConfigs(folder, {
    "model_index.json": modelIndex,
    "transformer/config.json": transformerConfig,
    "scheduler/scheduler_config.json": schedulerConfig,
  });
  const path = `${folder}/transformer/diffusion_pytorch_model.safetensors`;
  await writeHalf(path, { weights, metadata });
}
