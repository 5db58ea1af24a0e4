/** Table 1: Stable Diffusion 1.5 with PLMS, against BK-SDM, fewer steps and DeepCache. */
import { embeddedSd, fullSd, notesOfAll } from "./base.ts";
import type { PaperRow, Study } from "../schema/study.ts";

const model = "sd-1.5";
const dense = "16.94";

// label, MACs, PartiPrompts: speedup, CLIP; COCO 2017: speedup, CLIP
const row = (
  label: string,
  macs: PaperRow["macs"],
  [partiSpeedup, parti]: readonly [number, number],
  [speedup, coco]: readonly [number, number],
): PaperRow => ({
  label,
  macs,
  dense,
  speedup,
  metrics: { clip: coco, clip_parti: parti, speedup_parti: partiSpeedup },
});

const paper: readonly PaperRow[] = [
  row("PLMS, 50 steps", { printed: "16.94", bill: { model, calls: 50 } }, [
    1,
    29.51,
  ], [1, 30.30]),
  row(
    "BK-SDM-Base",
    { printed: "11.19", bill: { model: "bk-sdm-base", calls: 50 } },
    [1.49, 28.88],
    [1.45, 29.47],
  ),
  row("PLMS, 25 steps", { printed: "8.47", bill: { model, calls: 25 } }, [
    2.04,
    29.33,
  ], [1.91, 29.99]),
  row(
    "PLMS skip, interval 2",
    { printed: "8.47", bill: { model, calls: 25 } },
    [2.04, 19.74],
    [1.91, 16.78],
  ),
  row(
    "DeepCache",
    {
      printed: "6.52",
      bill: {
        model,
        calls: 50,
        deepCache: { interval: 5, computed: 2, granularity: "branch" },
      },
      because: "deepcache",
    },
    [2.15, 29.46],
    [2.11, 30.23],
  ),
  row(
    "DiP-GO, 0.80",
    {
      printed: "3.38",
      bill: { model, calls: 50, keep: 0.2 },
      because: "truncated",
    },
    [4.43, 29.51],
    [4.40, 30.29],
  ),
  row(
    "BK-SDM-Small",
    {
      printed: "10.88",
      bill: { model: "bk-sdm-small", calls: 50 },
      because: "truncated",
    },
    [1.75, 27.94],
    [1.68, 27.96],
  ),
  row("PLMS, 15 steps", { printed: "5.08", bill: { model, calls: 15 } }, [
    2.89,
    28.58,
  ], [2.59, 29.39]),
  row(
    "DiP-GO, 0.85",
    { printed: "2.54", bill: { model, calls: 50, keep: 0.15 } },
    [5.52, 29.07],
    [5.46, 29.84],
  ),
];

// 0.49 and 0.68 leave room for 25 and 15 steps of PLMS, which take 26 and 16 calls of 51; 0.6 for DeepCache with N = 5
const blockSparsity = [0.49, 0.68, 0.8, 0.85];
const branchSparsity = [0.49, 0.6, 0.8, 0.85];
const blocks = [
  "fewer-steps",
  "uniform-reuse",
  "searched-subset",
  "dip-go",
];
const branches = [
  "deepcache",
  "deepcache-nonuniform",
  "deepcache-authors",
  "random",
  "dip-go",
  "energy+forecast",
];

/** A published checkpoint of fewer parameters: measured, with nothing to search. */
const checkpoint = (name: string, model: string) => ({
  label: name,
  experiment: {
    ...fullSd,
    name: `paper-${name}`,
    description: `${name}, PLMS, measured as it is`,
    model,
    sparsity: [0.5],
    methods: ["fewer-steps"],
    mainMethod: "fewer-steps",
  },
});

export default {
  name: "paper-table1",
  description:
    "Table 1: SD-1.5 with PLMS against BK-SDM, fewer steps, DeepCache",
  paper,
  sections: {
    full: [
      {
        label: "blocks",
        experiment: {
          ...fullSd,
          name: "paper-table1-blocks",
          sparsity: blockSparsity,
          methods: blocks,
        },
      },
      {
        label: "branches",
        experiment: {
          ...fullSd,
          name: "paper-table1-branches",
          description: "Stable Diffusion 1.5, PLMS, 50 steps, 27 branches",
          superNet: { granularity: "branch" },
          sparsity: branchSparsity,
          methods: branches,
        },
      },
      {
        label: "blocks, PartiPrompts",
        promptSet: "parti",
        experiment: {
          ...fullSd,
          name: "paper-table1-parti",
          description: "Stable Diffusion 1.5, PLMS, 50 steps, on PartiPrompts",
          prompts: {
            ...fullSd.prompts!,
            evaluation: "prompts/PartiPrompts.tsv",
          },
          sparsity: blockSparsity,
          methods: blocks,
          evaluation: { ...fullSd.evaluation, pairs: 1632 },
        },
      },
      checkpoint("bk-sdm-base", "nota-ai/bk-sdm-base"),
      checkpoint("bk-sdm-small", "nota-ai/bk-sdm-small"),
    ],
    embedded: [
      {
        label: "blocks",
        experiment: {
          ...embeddedSd,
          name: "paper-table1-shapes-blocks",
          sparsity: blockSparsity,
          methods: blocks,
        },
      },
      {
        label: "branches",
        experiment: {
          ...embeddedSd,
          name: "paper-table1-shapes-branches",
          description:
            "the embedded text-to-image model, PLMS, 50 steps, branches",
          superNet: { granularity: "branch" },
          sparsity: branchSparsity,
          methods: branches,
        },
      },
    ],
  },
  explanations: {
    truncated:
      "The paper cuts digits off as often as it rounds: 0.2 x 50 x 338.83 G is 3.388 T and printed 3.38, BK-SDM-Small's 50 x 217.78 G is 10.889 T and printed 10.88.",
    deepcache:
      "6.52 T is 50 x 130.45 G, copied from DeepCache. With N = 5, 10 of 50 steps run whole (338.83 G), so the other 40 would take (130.45 - 0.2 x 338.83) / 0.8 = 78.35 G each. No cut of the UNet takes that: on the last branch alone it is 20.72 G (84.34 G a step on average), on the last two, which is the cut that DeepCache's published code runs for this table (layer 0, block 0), 57.33 G (113.63 G, 5.681 T over 50 steps), on the last three 98.14 G (146.28 G); whole blocks give 147.03 G. What gives it are down_blocks.0 with up_blocks.3's first two branches, 32.94 + 24.81 + 20.62 = 78.37 G (130.46 G on average): sums of layers at one resolution, not a path that a step runs.",
  },
  notes: [
    ...notesOfAll,
    "The paper's baselines are DeepCache's own numbers from another GPU (RTX 2080), so its speedup column mixes hardware.",
    "PLMS with 50 steps calls the model 51 times and the paper bills 50; here T, gates and budgets count all 51 calls, and only the column of MACs in the paper's convention bills 50.",
    "MACs leave guidance out: an image takes two of the billed calls a step.",
    "The companion code's own log for its gates at 0.80 says CLIP 30.18 (PLMS) and 30.16 (DDIM), not 30.29.",
    "At 80 % the companion's gates compute 10 of 50 steps almost whole and hold the last prediction at the other 40; uniform-reuse and searched-subset do only that, and the paper has no such row.",
    "PLMS skip, interval 2, calls the model at every second step; uniform-reuse at 0.49 does so too and lets PLMS's memory take a held prediction for a computed one.",
    "deepcache and deepcache-nonuniform compute the last branch between key steps, deepcache-authors the last two, as its authors' code does. BK-SDM's checkpoints have no embedded counterpart.",
  ],
} satisfies Study;
