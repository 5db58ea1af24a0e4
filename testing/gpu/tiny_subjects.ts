/** For tests: tiny networks with gates, and requests to sample them. */
import { tinyDit } from "../models/tiny_dit.ts";
import { ditBlockGraph, livelyWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { makeSampler, parseSchedulerConfig } from "@dip-go/core/samplers";
import { int64 } from "@dip-go/core/tensor";
import { superNet } from "@dip-go/supernet/gates";
import { tinyText, tinyUnet } from "../models/tiny_unet.ts";
import type { Subject } from "./agreement.ts";

export const ddim = parseSchedulerConfig({
  _class_name: "DDIMScheduler",
  beta_schedule: "squaredcos_cap_v2",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  timestep_spacing: "trailing",
}, "test");

export const tiny = {
  latents: new TorchGenerator(3).randn([1, 3, 8, 8]),
  sampler: makeSampler(ddim, { steps: 3 }),
  guidanceScale: 2,
};

/** A DiT of three blocks. */
export function tinyDitSubject(): Subject {
  const config = { ...tinyDit, layers: 3 };
  const options = { batch: 2, granularity: "sublayer" } as const;
  const graph = ditBlockGraph(config, livelyWeights(7), options);
  return {
    net: superNet(graph, { steps: 3 }),
    request: { ...tiny, conditioning: { class_labels: int64([2], [1, 4]) } },
  };
}

/** A UNet that reads text. */
export const tinyUnetSubject = (): Subject => ({
  net: superNet(tinyUnet({ batch: 2, granularity: "branch" }), { steps: 3 }),
  request: { ...tiny, conditioning: tinyText(2) },
});
