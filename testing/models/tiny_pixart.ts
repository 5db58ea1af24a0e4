/** For tests: a PixArt that is sampled in milliseconds. */
import type { BlockGraph } from "../../core/models/block_graph/block_graph.ts";
import { pixartBlockGraph } from "../../core/models/pixart/pixart.ts";
import type { PixartConfig } from "../../core/models/pixart/pixart_config.ts";
import type { TransformerUnitOptions } from "../../core/models/block_graph/transformer_units.ts";
import { TorchGenerator } from "../../core/tensor/random.ts";
import { float32, int64, type Tensor } from "../../core/tensor/tensor.ts";
import { livelyWeights } from "./lively_weights.ts";

const config: PixartConfig = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 6,
  layers: 2,
  heads: 2,
  headWidth: 6,
  textWidth: 5,
  microConditions: true,
  interpolationScale: 1,
  normEpsilon: 1e-6,
};

const tokens = 4;

/** Three 8x8 channels and a learned variance, a text of four tokens, micro-conditions. */
export function tinyPixart(
  options: TransformerUnitOptions & { batch: number },
): BlockGraph {
  return pixartBlockGraph(config, livelyWeights(7), { tokens, ...options });
}

/** A text for each of the batch, the last of one token; pictures of 64x48 pixels. */
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
