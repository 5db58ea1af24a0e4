/**
 * The UNet of Stable Diffusion (Rombach et al., 2022) as diffusers stores it:
 * `UNet2DConditionModel`. Feature maps go down a path of resolutions and up again;
 * the way up reads each map of the way down once more. Both paths are lists of
 * stages in the configuration; this file knows no particular model.
 */
import type { Value } from "../../onnx/graph.ts";
import {
  type Block,
  type BlockGraph,
  type BuildOptions,
  inputOf,
  type LatentSize,
} from "../block_graph/block_graph.ts";
import { fuseBlocks } from "../block_graph/fused_blocks.ts";
import { downsample, upsample } from "./resnet.ts";
import type { UnetConfig } from "./unet_config.ts";
import {
  branchLayers,
  type Context,
  embeddingLayer,
  type Feature,
  inputLayer,
  type Made,
  outputLayer,
  samplerLayer,
} from "./unet_layers.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/**
 * The unit of a gate. `block`: a whole stage, as in DiP-GO. `branch`: a resnet with
 * its transformer, or a sampler. Backup connections hold the outputs of both.
 * `layer`: each resnet, self-attention, cross-attention and feed-forward layer,
 * whose updates of the stream are held, and each sampler, whose output is held.
 */
export type UnetGranularity = "block" | "branch" | "layer";

/** The number of CLIP's text tokens. */
const usualTokens = 77;

/** The names of a layer's units at the two coarser granularities. */
type Unit = Readonly<Record<"block" | "branch", string>>;

/** The network under construction; `stream` is its last feature map, `skips` the maps that the way up will read. */
interface Path {
  readonly layers: Block[];
  readonly units: Map<Block, Unit>;
  readonly skips: Feature[];
  stream: Feature;
}

function append(path: Path, unit: Unit, { layers, output }: Made): void {
  path.layers.push(...layers);
  for (const layer of layers) path.units.set(layer, unit);
  path.stream = output;
}

const halved = ({ height, width }: LatentSize): LatentSize => ({
  height: Math.ceil(height / 2),
  width: Math.ceil(width / 2),
});

/** Appends a path: down, maps are pushed on `skips`; up, resnets pop them and upsamplers take the next one's size. */
function follow(path: Path, direction: "down" | "up", c: Context): void {
  const isDown = direction === "down";
  const stages = c.config[direction];
  for (const [level, stage] of stages.entries()) {
    const block = `${direction}_blocks.${level}`;
    for (let i = 0; i < stage.resnets; i++) {
      const skips = isDown ? [] : [path.skips.pop()!];
      const own = { ...stage, i, features: [path.stream, ...skips] };
      const branch = `${block}.${i}`;
      append(path, { block, branch }, branchLayers(block, own, c));
      if (isDown) path.skips.push(path.stream);
    }
    if (level === stages.length - 1) continue;
    const branch = `${block}.${direction}samplers.0`;
    const resampled = isDown
      ? { size: halved(path.stream.size), resample: downsample }
      : { size: path.skips[path.skips.length - 1].size, resample: upsample };
    const options = { feature: path.stream, ...resampled };
    append(path, { block, branch }, samplerLayer(branch, options, c));
    if (isDown) path.skips.push(path.stream);
  }
}

/** Appends the middle's resnets and transformers, which are one branch. */
function crossMiddle(path: Path, c: Context): void {
  const block = "mid_block";
  const { channels } = path.stream;
  for (const [i, attention] of c.config.middle.entries()) {
    const options = { i, features: [path.stream], channels, attention };
    const made = branchLayers(block, options, c);
    append(path, { block, branch: block }, made);
  }
}

/** All layers in execution order, and the units of the layers that belong to one. */
function layersOf(c: Context): Pick<Path, "layers" | "units"> {
  const first = inputLayer(c);
  const { channels } = c.config.down[0];
  const stream = { name: first.name, channels, size: c.latents };
  const layers = [first, embeddingLayer(c)];
  const path: Path = { layers, units: new Map(), skips: [stream], stream };
  follow(path, "down", c);
  crossMiddle(path, c);
  follow(path, "up", c);
  layers.push(outputLayer(path.stream, c));
  return path;
}

function inputsOf(
  { config, latents: { height, width } }: Context,
  { batch, tokens }: { batch: number; tokens: number },
): Value[] {
  const { inChannels, textWidth, added, guidanceChannels, inpaints } = config;
  const map = (channels: number) => [batch, channels, height, width];
  return [
    inputOf("sample", map(inChannels)),
    inputOf("timestep", [batch]),
    inputOf("encoder_hidden_states", [batch, tokens, textWidth]),
    ...added
      ? [
        inputOf("text_embeds", [batch, added.textWidth]),
        inputOf("time_ids", [batch, added.timeIds]),
      ]
      : [],
    ...guidanceChannels
      ? [inputOf("timestep_cond", [batch, guidanceChannels])]
      : [],
    ...inpaints ? [inputOf("masked_latents", map(1 + inChannels))] : [],
  ];
}

/**
 * The block graph of a UNet. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`
 * (float32), `encoder_hidden_states` `[B, S, D]` and, if the configuration has
 * them, `text_embeds` `[B, P]` and `time_ids` `[B, 5 or 6]` (SDXL), `timestep_cond`
 * `[B, G]` (a latent consistency model's embedded scale of guidance),
 * `masked_latents` `[B, 1 + C, H, W]` (inpainting: the mask, and the latents of
 * the picture without the masked part); output `prediction` `[B, C', H, W]`.
 *
 * @throws {RangeError} If the granularity does not support the backup.
 */
export function unetBlockGraph(
  config: UnetConfig,
  weights: WeightSource,
  { batch, tokens = usualTokens, latents, granularity = "block", backup }:
    BuildOptions<UnetGranularity>,
): BlockGraph {
  const held = granularity === "layer" ? "residual" : "output";
  if (backup !== undefined && backup !== held) {
    throw new RangeError(
      `Cannot build a unet: backup is "${backup}", expected "${held}" at granularity "${granularity}"`,
    );
  }
  const { sampleSize: side } = config;
  const c: Context = {
    config,
    weights,
    latents: latents ?? { height: side, width: side },
  };
  const { layers, units } = layersOf(c);
  return {
    model: "unet",
    inputs: inputsOf(c, { batch, tokens }),
    blocks: granularity === "layer"
      ? layers
      : fuseBlocks(layers, (layer) => units.get(layer)?.[granularity] ?? null),
    output: "prediction",
  };
}
