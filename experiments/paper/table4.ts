/** Table 4: pruning on top of fast samplers. */
import { embeddedSd, fullSd, notesOfAll } from "./base.ts";
import type { Bill, PaperRow, Study } from "../schema/study.ts";

interface Printed {
  readonly macs: PaperRow["macs"];
  readonly clip: number;
}

// label, the unpruned sampler, the pruned one
const pair = (
  label: string,
  base: Printed & { macs: NonNullable<PaperRow["macs"]> },
  pruned: Printed,
): readonly PaperRow[] => [
  {
    label,
    macs: base.macs,
    dense: base.macs.printed,
    metrics: { clip: base.clip },
  },
  {
    label: `DiP-GO on ${label}`,
    macs: pruned.macs,
    dense: base.macs.printed,
    metrics: { clip: pruned.clip },
  },
];

const sd15 = { model: "sd-1.5", calls: 50 } satisfies Bill;
const sd21 = { model: "sd-2.1", calls: 50 } satisfies Bill;
const sd21Half = { ...sd21, calls: 25 };
const truncated = "truncated";

const paper: readonly PaperRow[] = [
  ...pair(
    "DDIM-50, SD-1.5",
    { macs: { printed: "16.94", bill: sd15 }, clip: 30.30 },
    {
      macs: {
        printed: "3.38",
        bill: { ...sd15, keep: 0.2 },
        because: truncated,
      },
      clip: 30.29,
    },
  ),
  ...pair(
    "DPM-50, SD-2.1",
    { macs: { printed: "38.04", bill: sd21, because: truncated }, clip: 31.55 },
    {
      macs: {
        printed: "11.42",
        bill: { ...sd21, keep: 0.3 },
        because: "fitted",
      },
      clip: 31.50,
    },
  ),
  ...pair(
    "DPM-25, SD-2.1",
    { macs: { printed: "19.02", bill: sd21Half }, clip: 31.59 },
    {
      macs: { printed: "9.51", bill: { ...sd21Half, keep: 0.5 } },
      clip: 31.52,
    },
  ),
  ...pair(
    "LCM-4, SDXL",
    {
      macs: {
        printed: "11.95",
        bill: { model: "sdxl", calls: 4 },
        because: "sdxl",
      },
      clip: 31.92,
    },
    { macs: { printed: "11.58", because: "lcm" }, clip: 31.30 },
  ),
];

const methods = ["fewer-steps", "searched-subset", "dip-go"];

const sd2 = {
  ...fullSd,
  model: "stabilityai/stable-diffusion-2-1",
  methods,
};

export default {
  name: "paper-table4",
  description: "Table 4: DiP-GO on DDIM, DPM-Solver and LCM",
  paper,
  sections: {
    full: [
      {
        label: "DDIM-50",
        experiment: {
          ...fullSd,
          name: "paper-table4-ddim50",
          description: "Stable Diffusion 1.5, DDIM, 50 steps",
          sampler: { kind: "ddim", steps: 50, guidanceScale: 7.5 },
          sparsity: [0.8],
          methods,
        },
      },
      {
        label: "DPM-50",
        experiment: {
          ...sd2,
          name: "paper-table4-dpm50",
          description: "Stable Diffusion 2.1, DPM-Solver++, 50 steps",
          sampler: { kind: "dpm-solver++", steps: 50, guidanceScale: 7.5 },
          sparsity: [0.7],
        },
      },
      {
        label: "DPM-25",
        experiment: {
          ...sd2,
          name: "paper-table4-dpm25",
          description: "Stable Diffusion 2.1, DPM-Solver++, 25 steps",
          sampler: { kind: "dpm-solver++", steps: 25, guidanceScale: 7.5 },
          sparsity: [0.5],
        },
      },
      {
        label: "LCM-4",
        experiment: {
          ...fullSd,
          name: "paper-table4-lcm4",
          description: "Stable Diffusion XL distilled to LCM, 4 steps",
          model: "./models/lcm-sdxl",
          sampler: { kind: "lcm", steps: 4, guidanceScale: 1 },
          sparsity: [0.03],
          methods: ["dip-go"],
        },
      },
    ],
    embedded: [
      {
        label: "DDIM-50",
        experiment: {
          ...embeddedSd,
          name: "paper-table4-shapes-ddim50",
          description: "the embedded text-to-image model, DDIM, 50 steps",
          sampler: { kind: "ddim", steps: 50, guidanceScale: 3 },
          sparsity: [0.8],
          methods,
        },
      },
      {
        label: "DPM-25",
        experiment: {
          ...embeddedSd,
          name: "paper-table4-shapes-dpm25",
          description:
            "the embedded text-to-image model, DPM-Solver++, 25 steps",
          sampler: { kind: "dpm-solver++", steps: 25, guidanceScale: 3 },
          sparsity: [0.5],
          methods,
        },
      },
      {
        label: "LCM-4",
        experiment: {
          ...embeddedSd,
          name: "paper-table4-shapes-lcm4",
          description:
            "the embedded text-to-image model, which is not distilled, with LCM's sampler, 4 steps",
          sampler: { kind: "lcm", steps: 4, guidanceScale: 3 },
          sparsity: [0.05],
          methods: ["dip-go"],
        },
      },
    ],
  },
  explanations: {
    truncated:
      "The paper cuts digits off: 0.2 x 16.942 T is 3.388 T and printed 3.38, 50 x 760.93 G is 38.047 T and printed 38.04.",
    fitted:
      "0.3 x 38.047 T is 11.414 T; the paper prints what the gates keep that Algorithm 1 found, which stops within 1.25 % of the asked ratio.",
    sdxl:
      "4 x 2.98975 T in the paper's convention is 11.959 T; 4 x 2.98866 T, weights alone, is 11.955 T. Either is printed 11.95 with digits cut off, the second also rounded.",
    lcm:
      "The pruning ratio of the LCM row is not given; 11.58 of 11.95 T is 96.9 %, what its gates keep.",
  },
  notes: [
    ...notesOfAll,
    "LCM-4 needs a pipeline folder models/lcm-sdxl: Stable Diffusion XL with LCM's weights merged in as the LCM LoRA does (fuse_lora, save_pretrained). The UNet that LCM publishes whole reads the guidance scale as a second embedding (time_cond_proj_dim), which this project refuses.",
    "With 4 calls there is hardly anything to reuse: the paper removes 3 %.",
    "DPM-50 of the embedded model is table 2. Its LCM row runs LCM's sampler on a model that was not distilled: fidelity to it says what pruning costs, the pictures themselves are poor.",
  ],
} satisfies Study;
