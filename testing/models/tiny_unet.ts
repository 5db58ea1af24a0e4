/** For tests: a UNet with every kind of layer that is sampled in milliseconds. */
import {
  type BlockGraph,
  unetBlockGraph,
  type UnetConfig,
  type UnetGranularity,
} from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import type { Tensor } from "@dip-go/core/tensor";
import { livelyWeights } from "@dip-go/core/models";

const attention = (...depths: number[]) => ({ depths, heads: 2 });
const config: UnetConfig = {
  sampleSize: 8,
  inChannels: 3,
  outChannels: 3,
  inpaints: false,
  down: [
    { channels: 8, resnets: 2, attention: attention(1, 1) },
    { channels: 12, resnets: 1, attention: null },
  ],
  middle: [attention(1), null],
  up: [
    { channels: 12, resnets: 2, attention: null },
    { channels: 8, resnets: 3, attention: attention(1, 1, 1) },
  ],
  textWidth: 6,
  linearProjection: false,
  upcastAttention: false,
  normGroups: 4,
  normEpsilon: 1e-5,
  added: null,
  guidanceChannels: null,
};

const tokens = 5;

/** A UNet of three 8x8 channels (or `latents`), two resolutions, a text of five tokens; `own` changes its config. */
export function tinyUnet(
  { own, ...options }: {
    batch: number;
    granularity: UnetGranularity;
    latents?: { height: number; width: number };
    own?: Partial<UnetConfig>;
  },
): BlockGraph {
  const whole = { ...config, ...own };
  return unetBlockGraph(whole, livelyWeights(7), { tokens, ...options });
}

/** Random values of all inputs of a network besides latents and timestep. */
export function randomConditions(
  { inputs }: BlockGraph,
): Record<string, Tensor> {
  const random = new TorchGenerator(4);
  return Object.fromEntries(
    inputs.filter(({ name }) => name !== "sample" && name !== "timestep")
      .map(({ name, shape }) => [name, random.randn(shape)]),
  );
}

/** The random features of a text for each sample of a batch. */
export function tinyText(batch: number): Record<string, Tensor> {
  const shape = [batch, tokens, config.textWidth];
  return { encoder_hidden_states: new TorchGenerator(4).randn(shape) };
}
