/** The models of `bench gpu`, random weights: the paper's two at full size, and both families at a size for software. */
import {
  type BlockGraph,
  ditBlockGraph,
  knownModels,
  livelyWeights,
  parseUnetConfig,
  randomWeights,
  sd15,
  unetBlockGraph,
  type UnetConfig,
} from "@dip-go/core/models";
import { ddimSampler } from "../subjects/full_size.ts";
import { subjectOf } from "../subjects/subjects.ts";
import { tinySubject } from "../subjects/tiny_subject.ts";

/** A subject of one guided picture, with the family's usual units; made in its turn: each full size takes gigabytes. */
const subject = (name: string, graph: () => BlockGraph) => ({
  name,
  make: (steps: number) => subjectOf(graph(), ddimSampler(steps)),
});

export type GpuSubject = ReturnType<typeof subject>;

const branches = { batch: 2, granularity: "branch" } as const;
const sublayers = { batch: 2, granularity: "sublayer" } as const;

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
  subject(
    "Stable Diffusion 1.5, 512x512",
    () =>
      unetBlockGraph(knownModels["sd-1.5"].config, randomWeights(0), {
        ...branches,
        tokens: 77,
      }),
  ),
  subject("DiT-XL/2, 256x256", () =>
    ditBlockGraph(
      knownModels["dit-xl-2-256"].config,
      randomWeights(0),
      sublayers,
    )),
];

export const tinySubjects: readonly GpuSubject[] = [
  subject(
    "a UNet of SD-1.5's branches, 8 to 16 wide",
    () =>
      unetBlockGraph(tinyUnet, livelyWeights(7), { ...branches, tokens: 5 }),
  ),
  { name: "a DiT of 6 blocks, 16 wide", make: tinySubject },
];
