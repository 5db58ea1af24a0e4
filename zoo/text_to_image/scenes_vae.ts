/**
 * The embedded autoencoder: scenes of 64x64 pixels to latents `[4, 16, 16]` and
 * back, in the layout of Stable Diffusion's. Trained to rebuild pictures and
 * their edges, with a little weight on the latents' divergence from a standard
 * normal (Kingma and Welling, 2014; Rombach et al., 2022). Pictures are compared
 * by squared errors: by absolute ones, the best guess at a rare colour is the
 * ground's.
 */
import {
  type AutoencoderConfig,
  autoencoderKind,
  decoderBlockGraph,
  defaultWeight,
  encoderBlockGraph,
  noWeights,
  wholeGraph,
} from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { fillNormal } from "../teaching/diffusion_loss.ts";
import { writeHalf, writeJson } from "../training/model_folder.ts";
import { drawScene, renderScenes, sceneSize } from "../data/scenes.ts";
import type { TrainingTask } from "../training/trainer.ts";
import { SplitMix32 } from "../data/uniform.ts";

/** The networks' config; the scaling factor is measured when the folder is written. */
export const sceneVaeConfig: AutoencoderConfig = {
  inChannels: 3,
  outChannels: 3,
  latentChannels: 4,
  channels: [8, 16, 48],
  resnets: 1,
  normGroups: 4,
  shiftFactor: 0,
  statistics: undefined,
  scalingFactor: 1,
  quantConvolution: true,
  postQuantConvolution: true,
  middleAttention: true,
  forceUpcast: false,
  sampleSize: sceneSize,
};

/** Side of the latents. */
export const latentSize = sceneSize / 4;

/** A small batch: colours are learned by the number of updates. */
const batchSize = 4;
/** Weights of the loss's terms: mean squares, mean magnitude of the edges' errors, mean divergence in nats. */
const weightOf = { squares: 3, edges: 0.2, divergence: 5e-5 };
/** The log variance of the latents before training; larger noise would hide the latents from the decoder. */
const startingLogVariance = -6;

const sizeOf = (batch: number) => ({
  batch,
  height: latentSize,
  width: latentSize,
});

const meanMagnitude = (g: GraphBuilder, x: Value): Value =>
  g.reduceMean(g.abs(x), { keepDims: false });

/** Differences of neighbouring pixels along an axis. */
function differences(g: GraphBuilder, x: Value, axis: number): Value {
  const end = x.shape[axis];
  const from = (start: number, stop: number) =>
    g.slice(x, { axes: [axis], starts: [start], ends: [stop] });
  return g.sub(from(1, end), from(0, end - 1));
}

/** The training graph: inputs `image` `[B, 3, 64, 64]` and `noise` `[B, 4, 16, 16]`; output `loss`. */
function lossGraph(batch: number): Graph {
  const size = sizeOf(batch);
  const encoder = encoderBlockGraph(sceneVaeConfig, noWeights, size);
  const g = GraphBuilder.continuing(wholeGraph(encoder), "scenes-vae");
  const image = g.value("image");
  const [mean, logVariance] = g.chunk(g.value("moments"), 2, { axis: 1 });
  const noise = g.input("noise", "float32", mean.shape);
  const variance = g.exp(logVariance);
  const latents = g.add(mean, g.mul(g.sqrt(variance), noise));
  const decoded = decode(g, latents, batch);
  const error = g.sub(decoded, image);
  const edges = g.add(
    meanMagnitude(g, differences(g, error, 2)),
    meanMagnitude(g, differences(g, error, 3)),
  );
  const square = g.add(g.mul(mean, mean), variance);
  const divergence = g.reduceMean(
    g.sub(g.sub(square, logVariance), g.scalar(1)),
    { keepDims: false },
  );
  const squares = g.reduceMean(g.mul(error, error), { keepDims: false });
  const terms = [
    g.mul(squares, g.scalar(weightOf.squares)),
    g.mul(edges, g.scalar(weightOf.edges)),
    g.mul(divergence, g.scalar(weightOf.divergence / 2)),
  ];
  return g.build({ loss: terms.reduce((a, b) => g.add(a, b)) });
}

function decode(g: GraphBuilder, latents: Value, batch: number): Value {
  const { blocks } = decoderBlockGraph(
    sceneVaeConfig,
    noWeights,
    sizeOf(batch),
  );
  return blocks.reduce((x, block) => block.emit(g, [x])[0], latents);
}

function startingWeights(seed: number): Map<string, Tensor> {
  const random = new TorchGenerator(seed);
  const shapes = autoencoderKind.parameters(sceneVaeConfig);
  const weights = new Map(
    [...shapes.keys()].map((key) => [key, defaultWeight(key, shapes, random)]),
  );
  const bias = weights.get("quant_conv.bias")!.data as Float32Array;
  bias.fill(startingLogVariance, bias.length / 2);
  return weights;
}

/** The training task; `updates` and `batch` can be set for a shorter run. */
export function scenesVae(
  { updates, seed, batch = batchSize }: {
    updates: number;
    seed: number;
    batch?: number;
  },
): TrainingTask {
  return {
    name: "scenes-vae",
    graph: lossGraph(batch),
    options: {
      seed,
      updates,
      peakLearningRate: 3e-3,
      warmUp: 100,
      weightDecay: 0.01,
      clip: 1,
      averageDecay: 0.995,
      checkpointEvery: 200,
    },
    initial: startingWeights(seed),
    batch(uniform) {
      const scenes = Array.from({ length: batch }, () => drawScene(uniform));
      const noise = new Float32Array(batch * 4 * latentSize * latentSize);
      fillNormal(noise, uniform);
      return {
        image: renderScenes(scenes, uniform),
        noise: float32([batch, 4, latentSize, latentSize], noise),
      };
    },
  };
}

/** 1 over the standard deviation of the latents of 256 scenes. */
async function measureScalingFactor(
  weights: Readonly<Record<string, Tensor<"float32">>>,
): Promise<number> {
  const batch = 256;
  const source = (key: string) => ({ data: weights[key] });
  const encoder = encoderBlockGraph(sceneVaeConfig, source, sizeOf(batch));
  await using session = await openSession(wholeGraph(encoder));
  const { uniform } = new SplitMix32(1);
  const scenes = Array.from({ length: batch }, () => drawScene(uniform));
  const { moments } = await session.run({
    image: renderScenes(scenes, uniform),
  });
  const half = 4 * latentSize * latentSize;
  const means = (moments.data as Float32Array)
    .filter((_, i) => i % (2 * half) < half);
  const square = means.reduce((sum, x) => sum + x * x, 0) / means.length;
  const mean = means.reduce((sum, x) => sum + x, 0) / means.length;
  return 1 / Math.sqrt(square - mean ** 2);
}

const configJson = {
  _class_name: "AutoencoderKL",
  act_fn: "silu",
  block_out_channels: sceneVaeConfig.channels,
  down_block_types: sceneVaeConfig.channels.map(() => "DownEncoderBlock2D"),
  in_channels: sceneVaeConfig.inChannels,
  latent_channels: sceneVaeConfig.latentChannels,
  layers_per_block: sceneVaeConfig.resnets,
  norm_num_groups: sceneVaeConfig.normGroups,
  out_channels: sceneVaeConfig.outChannels,
  sample_size: sceneSize,
  up_block_types: sceneVaeConfig.channels.map(() => "UpDecoderBlock2D"),
};

/** Writes an `AutoencoderKL` folder, weights in half precision; its scaling factor gives latents unit deviation. */
export async function writeScenesVae(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const scaling_factor = await measureScalingFactor(weights);
  await writeJson(`${folder}/config.json`, { ...configJson, scaling_factor });
  const path = `${folder}/${autoencoderKind.weightFile}`;
  await writeHalf(path, { weights, metadata });
}
