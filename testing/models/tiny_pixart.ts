/** For tests: a PixArt that is sampled in milliseconds. */
import {
  type BlockGraph,
  pixartBlockGraph,
  type PixartConfig,
  type TransformerUnitOptions,
} from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, int64, type Tensor } from "@dip-go/core/tensor";
import { livelyWeights } from "@dip-go/core/models";

const config: PixartConfig = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 6,
  layers: 2,
  heads: 2,
  headWidth: 6,
  projectsText: true,
  textWidth: 5,
  microConditions: true,
  interpolationScale: 1,
  normEpsilon: 1e-6,
};

const tokens = 4;

/** A PixArt of three 8x8 channels and a learned variance, a text of four tokens, and micro-conditions. */
export function tinyPixart(
  options: TransformerUnitOptions & { batch: number },
): BlockGraph {
  return pixartBlockGraph(config, livelyWeights(7), { tokens, ...options });
}

/** The conditions of a batch: a text for each sample, the last of one token, and pictures of 64x48 pixels. */
export function tinyConditions(batch: number): Record<string, Tensor> {
  const mask = Array<number>(batch * tokens).fill(1);
  mask.fill(0, (batch - 1) * tokens + 1);
  const repeated = (...values: number[]) =>
    float32(
      [batch, values.length],
      Array<number[]>(batch).fill(values).flat(),
    );
  return {
    encoder_hidden_states: new TorchGenerator(4)
      .randn([batch, tokens, config.textWidth]),
    encoder_attention_mask: int64([batch, tokens], mask),
    resolution: repeated(64, 48),
    aspect_ratio: repeated(64 / 48),
  };
}
