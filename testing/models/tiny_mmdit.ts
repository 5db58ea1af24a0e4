/** For tests: an SD3 and a FLUX with every kind of block that are sampled in milliseconds. */
import {
  type BlockGraph,
  fluxBlockGraph,
  type FluxConfig,
  livelyWeights,
  sd3BlockGraph,
  type Sd3Config,
  type TransformerUnitOptions,
} from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, type Tensor } from "@dip-go/core/tensor";

const sizes = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 3,
  heads: 2,
  headWidth: 8,
  textWidth: 5,
  pooledWidth: 4,
};

const sd3: Sd3Config = {
  ...sizes,
  layers: 2,
  positions: 6,
  dualLayers: [0],
  normsHeads: true,
};

const flux: FluxConfig = {
  ...sizes,
  layers: 1,
  singleLayers: 2,
  guidanceEmbeds: true,
  rotaryAxes: [2, 4, 2],
};

const tokens = 4;

type Options = TransformerUnitOptions & { readonly batch: number };

/** An SD3 of three 8x8 channels and a text of four tokens; its first block is dual, its last does not change the text. */
export const tinySd3 = (options: Options): BlockGraph =>
  sd3BlockGraph(sd3, livelyWeights(7), { tokens, ...options });

/** A FLUX of the same sizes, with blocks on one stream after those on two. */
export const tinyFlux = (options: Options): BlockGraph =>
  fluxBlockGraph(flux, livelyWeights(7), { tokens, ...options });

/** The features and pooled features of a text for each sample; for FLUX, the scale of guidance too. */
export function tinyStreams(
  batch: number,
  { guidance }: { readonly guidance?: number } = {},
): Record<string, Tensor> {
  const random = new TorchGenerator(4);
  const text = {
    encoder_hidden_states: random.randn([batch, tokens, sizes.textWidth]),
    pooled_projections: random.randn([batch, sizes.pooledWidth]),
  };
  if (guidance === undefined) return text;
  const scales = float32([batch], new Float32Array(batch).fill(guidance));
  return { ...text, guidance: scales };
}
