/**
 * The UNet of Stable Diffusion (Rombach et al., 2022) as diffusers stores it:
 * `UNet2DConditionModel`. Feature maps go down a path of resolutions and up
 * again; the way up reads the output of each layer of the way down once more.
 * Both paths are lists of stages in the configuration: nothing here knows a model.
 */
import type { Value } from "../../onnx/graph.ts";
import {
  type Block,
  type BlockGraph,
  inputOf,
} from "../block_graph/block_graph.ts";
import { fuseBlocks } from "../block_graph/fused_blocks.ts";
import { downsample, upsample } from "./resnet.ts";
import type { LatentSize } from "../layers/latent_size.ts";
import type { UnetConfig } from "./unet_config.ts";
import type { UnetMiddle } from "./unet_stages.ts";
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
 * The unit of a gate. `block`: a whole stage, the units of DiP-GO. `branch`: a
 * resnet with its transformer, or a sampler. Both are held as they come out.
 * `layer`: resnet, self-attention, cross-attention and feed-forward apart, held
 * as their update of the stream.
 */
export type UnetGranularity = "block" | "branch" | "layer";

export interface UnetOptions {
  readonly batch: number;
  /** Text tokens S; CLIP's 77 by default. */
  readonly tokens?: number;
  /** The configuration's `sample_size` in both directions by default. */
  readonly latents?: LatentSize;
  readonly granularity?: UnetGranularity;
  /** The tensor that backup connections hold: the granularity decides it, another is refused. */
  readonly backup?: "output" | "residual";
}

/** The smallest blocks of a part of the network, and the unit that they are at the two coarser granularities. */
interface Branch {
  readonly unit: { readonly block: string; readonly branch: string } | null;
  readonly layers: readonly Block[];
}

/** A path of the network under construction: its branches so far, the feature map at its end, and those that the way up will read. */
interface Path {
  readonly branches: Branch[];
  readonly skips: Feature[];
  stream: Feature;
}

function append(
  path: Path,
  unit: Branch["unit"],
  { layers, output }: Made,
): void {
  path.branches.push({ unit, layers });
  path.stream = output;
}

const halved = ({ height, width }: LatentSize): LatentSize => ({
  height: Math.ceil(height / 2),
  width: Math.ceil(width / 2),
});

/** The way down: every feature map is kept for the way up. */
function descend(path: Path, c: Context): void {
  const last = c.config.down.length - 1;
  for (const [level, stage] of c.config.down.entries()) {
    const block = `down_blocks.${level}`;
    for (let i = 0; i < stage.resnets; i++) {
      const made = branchLayers(
        block,
        { ...stage, i, features: [path.stream] },
        c,
      );
      append(path, { block, branch: `${block}.${i}` }, made);
      path.skips.push(path.stream);
    }
    if (level === last) continue;
    const branch = `${block}.downsamplers.0`;
    const size = halved(path.stream.size);
    const options = { feature: path.stream, size, resample: downsample };
    append(path, { block, branch }, samplerLayer(branch, options, c));
    path.skips.push(path.stream);
  }
}

/** A resnet, or two and a transformer between them; always one branch. */
function crossMiddle(path: Path, { attention }: UnetMiddle, c: Context): void {
  const block = "mid_block";
  const unit = { block, branch: block };
  const { channels } = path.stream;
  for (const [i, own] of (attention ? [attention, null] : [null]).entries()) {
    const features = [path.stream];
    append(
      path,
      unit,
      branchLayers(block, { i, features, channels, attention: own }, c),
    );
  }
}

/** The way up: each resnet reads the latest feature map of the way down that is left, and an upsampler makes one of the next one's size. */
function ascend(path: Path, c: Context): void {
  const last = c.config.up.length - 1;
  for (const [level, stage] of c.config.up.entries()) {
    const block = `up_blocks.${level}`;
    for (let i = 0; i < stage.resnets; i++) {
      const features = [path.stream, path.skips.pop()!];
      const made = branchLayers(block, { ...stage, i, features }, c);
      append(path, { block, branch: `${block}.${i}` }, made);
    }
    if (level === last) continue;
    const branch = `${block}.upsamplers.0`;
    const { size } = path.skips[path.skips.length - 1];
    const options = { feature: path.stream, size, resample: upsample };
    append(path, { block, branch }, samplerLayer(branch, options, c));
  }
}

/** All layers in execution order, as branches. */
function branchesOf(c: Context): Branch[] {
  const first = inputLayer(c);
  const { channels } = c.config.down[0];
  const stream = { name: first.name, channels, size: c.latents };
  const path: Path = {
    branches: [{ unit: null, layers: [first, embeddingLayer(c)] }],
    skips: [stream],
    stream,
  };
  descend(path, c);
  if (c.config.middle) crossMiddle(path, c.config.middle, c);
  ascend(path, c);
  const last = outputLayer(path.stream, c);
  return [...path.branches, { unit: null, layers: [last] }];
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
 * (float32), `encoder_hidden_states` `[B, S, D]` and, as the configuration has
 * it, `text_embeds` `[B, P]` and `time_ids` `[B, 5 or 6]` (SDXL), `timestep_cond`
 * `[B, G]` (a latent consistency model's embedded scale of guidance),
 * `masked_latents` `[B, 1 + C, H, W]` (inpainting: the mask, and the latents of
 * the picture without what it covers); output `prediction` `[B, C', H, W]`.
 *
 * @throws {RangeError} If the granularity has no such backups.
 */
export function unetBlockGraph(
  config: UnetConfig,
  weights: WeightSource,
  { batch, tokens = 77, latents, granularity = "block", backup }: UnetOptions,
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
  const branches = branchesOf(c);
  const layers = branches.flatMap((branch) => branch.layers);
  const units = new Map(
    branches.flatMap(({ unit, layers }) =>
      layers.map((layer) => [layer, unit] as const)
    ),
  );
  return {
    model: "unet",
    inputs: inputsOf(c, { batch, tokens }),
    blocks: granularity === "layer"
      ? layers
      : fuseBlocks(layers, (layer) => units.get(layer)?.[granularity] ?? null),
    output: "prediction",
  };
}
