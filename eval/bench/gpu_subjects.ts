/** What `bench gpu` samples: the paper's two models at full size, and both of their families at a size for a device in software. Weights are random. */
import { knownModels, sd15 } from "../../core/models/known_models.ts";
import { livelyWeights } from "../../core/models/lively_weights.ts";
import { randomWeights } from "../../core/models/random_weights.ts";
import { unetBlockGraph } from "../../core/models/unet.ts";
import {
  parseUnetConfig,
  type UnetConfig,
} from "../../core/models/unet_config.ts";
import type { WeightSource } from "../../core/models/weights.ts";
import { TorchGenerator } from "../../core/random.ts";
import { makeSampler } from "../../core/samplers/make_sampler.ts";
import { parseSchedulerConfig } from "../../core/samplers/scheduler_config.ts";
import { superNet } from "../../supernet/super_net.ts";
import { ditXl, type Subject } from "./subjects.ts";
import { tinySubject } from "./tiny_subject.ts";

/** A model to measure, made when its turn comes: at full size each takes gigabytes. */
export interface GpuSubject {
  readonly name: string;
  readonly make: (steps: number) => Subject;
}

const scheduler = parseSchedulerConfig({
  _class_name: "DDIMScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  clip_sample: false,
  prediction_type: "epsilon",
}, "bench gpu");

/** One guided picture by a UNet, gated by branches as in DiP-GO's companion code. */
function unetSubject(
  config: UnetConfig,
  weights: WeightSource,
  { tokens, steps }: { tokens: number; steps: number },
): Subject {
  const options = { batch: 2, tokens, granularity: "branch" } as const;
  const graph = unetBlockGraph(config, weights, options);
  const [{ shape }] = graph.inputs;
  const random = new TorchGenerator(0);
  return {
    net: superNet(graph, { steps }),
    request: {
      latents: random.randn(shape.with(0, 1)),
      conditioning: {
        encoder_hidden_states: random.randn([2, tokens, config.textWidth]),
      },
      sampler: makeSampler(scheduler, { steps }),
      guidanceScale: 7.5,
    },
  };
}

const tinyUnet: UnetConfig = parseUnetConfig({
  ...sd15,
  attention_head_dim: 2,
  block_out_channels: [8, 8, 16, 16],
  cross_attention_dim: 8,
  layers_per_block: 1,
  norm_num_groups: 4,
  sample_size: 8,
}, "bench gpu");

export const fullSubjects: readonly GpuSubject[] = [
  {
    name: "Stable Diffusion 1.5, 512x512",
    make: (steps) =>
      unetSubject(knownModels["sd-1.5"].config, randomWeights(0), {
        tokens: 77,
        steps,
      }),
  },
  {
    name: "DiT-XL/2, 256x256",
    make: (steps) => ditXl({ images: 1, steps }),
  },
];

export const tinySubjects: readonly GpuSubject[] = [
  {
    name: "a UNet of SD-1.5's branches, 8 to 16 wide",
    make: (steps) =>
      unetSubject(tinyUnet, livelyWeights(7), { tokens: 5, steps }),
  },
  { name: "a DiT of 6 blocks, 16 wide", make: tinySubject },
];
