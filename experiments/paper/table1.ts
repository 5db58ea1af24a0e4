/** Table 1: Stable Diffusion 1.5 with PLMS, against BK-SDM, fewer steps and DeepCache. */
import { learnedSolvers } from "../quickstart.ts";
import type { Study } from "../schema/study.ts";
import { embeddedSd, fullSd, notesOfAll } from "./base.ts";
import { paperRows, sectionsFrom } from "./rows.ts";

const columns = ["speedup", "clip", "clip_parti", "speedup_parti"]; // on COCO 2017, then on PartiPrompts
const cut = { because: "truncated" };
const base = { model: "bk-sdm-base" } as const;
const small = { model: "bk-sdm-small", ...cut } as const;
const cached = {
  deepCache: { interval: 5, computed: 2, granularity: "branch" },
  because: "deepcache",
} as const;

const paper = paperRows({
  model: "sd-1.5",
  calls: 50,
  dense: "16.94",
  columns,
}, [
  ["PLMS, 50 steps", "16.94", {}, 1, 30.30, 29.51, 1],
  ["BK-SDM-Base", "11.19", base, 1.45, 29.47, 28.88, 1.49],
  ["PLMS, 25 steps", "8.47", { calls: 25 }, 1.91, 29.99, 29.33, 2.04],
  ["PLMS skip, interval 2", "8.47", { calls: 25 }, 1.91, 16.78, 19.74, 2.04],
  ["DeepCache", "6.52", cached, 2.11, 30.23, 29.46, 2.15],
  ["DiP-GO, 0.80", "3.38", { keep: 0.2, ...cut }, 4.40, 30.29, 29.51, 4.43],
  ["BK-SDM-Small", "10.88", small, 1.68, 27.96, 27.94, 1.75],
  ["PLMS, 15 steps", "5.08", { calls: 15 }, 2.59, 29.39, 28.58, 2.89],
  ["DiP-GO, 0.85", "2.54", { keep: 0.15 }, 5.46, 29.84, 29.07, 5.52],
]);

// 0.49 and 0.68 leave room for PLMS with 25 and 15 steps, in 26 and 16 calls of 51; 0.6 for DeepCache with N = 5
const blocks = {
  sparsity: [0.49, 0.68, 0.8, 0.85],
  methods: ["fewer-steps", "uniform-reuse", "searched-subset", "dip-go"],
};
const branches = {
  superNet: { granularity: "branch" },
  sparsity: [0.49, 0.6, 0.8, 0.85],
  methods: [
    "deepcache",
    "deepcache-nonuniform",
    "deepcache-authors",
    "random",
    "dip-go",
    "energy+forecast",
  ],
} as const;

/** The changes for a published checkpoint of fewer parameters, which is measured without a search. */
const checkpoint = (name: string) => ({
  name: `paper-${name}`,
  description: `${name}, PLMS, measured as it is`,
  model: `nota-ai/${name}`,
  sparsity: [0.5],
  methods: ["fewer-steps"],
  mainMethod: "fewer-steps",
});

const parti = {
  ...blocks,
  name: "paper-table1-parti",
  description: "Stable Diffusion 1.5, PLMS, 50 steps, on PartiPrompts",
  prompts: { ...fullSd.prompts!, evaluation: "prompts/PartiPrompts.tsv" },
  evaluation: { ...fullSd.evaluation, pairs: 1632 },
};

export default {
  name: "paper-table1",
  description:
    "Table 1: SD-1.5 with PLMS against BK-SDM, fewer steps, DeepCache",
  paper,
  sections: {
    full: [
      ...sectionsFrom(fullSd, {
        blocks: { ...blocks, name: "paper-table1-blocks" },
        branches: {
          ...branches,
          name: "paper-table1-branches",
          description: "Stable Diffusion 1.5, PLMS, 50 steps, 27 branches",
        },
      }),
      {
        label: "blocks, PartiPrompts",
        promptSet: "parti",
        experiment: { ...fullSd, ...parti },
      },
      ...sectionsFrom(fullSd, {
        "bk-sdm-base": checkpoint("bk-sdm-base"),
        "bk-sdm-small": checkpoint("bk-sdm-small"),
      }),
    ],
    embedded: sectionsFrom(embeddedSd, {
      blocks: { ...blocks, name: "paper-table1-shapes-blocks" },
      branches: {
        ...branches,
        name: "paper-table1-shapes-branches",
        methods: [...branches.methods, ...learnedSolvers],
        description:
          "the embedded text-to-image model, PLMS, 50 steps, branches",
      },
    }),
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
