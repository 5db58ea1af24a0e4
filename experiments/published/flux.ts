/** FLUX.1 dev with 50 steps and guidance 3.5, as the tables of caching methods sample it. */
import { fullSd, notesOfAll } from "../paper/base.ts";
import { sectionsFrom } from "../paper/rows.ts";
import type { Bill, PaperRow, Study } from "../schema/study.ts";
import { embeddedMmdit, mmditMethods } from "./sd35.ts";

/** A row as cache-dit's benchmark page prints it. */
type PrintedRow = readonly [
  label: string,
  teraFlops: number,
  imageReward: number,
  clip: number,
  psnr?: number,
];

const dense = "1863.435";

/** The rows of one table, in columns of its own, as the tables' unpruned models have different figures. */
const rowsOf = (table: string, rows: readonly PrintedRow[]): PaperRow[] =>
  rows.map(([label, teraFlops, imageReward, clip, psnr]) => ({
    label: `${label}, ${table}`,
    macs: {
      printed: `${teraFlops / 2}`,
      bill: bills[label],
      because: bills[label] ? "calls" : "copied",
    },
    dense,
    metrics: {
      [`ImageReward, ${table}`]: imageReward,
      [`CLIP, ${table}`]: clip,
      ...psnr === undefined ? {} : { [`PSNR, ${table}`]: psnr },
    },
  }));

const calls = (count: number): Bill => ({ model: "flux.1-dev", calls: count });

/** The bills of rows whose MACs follow from the row's name. */
const bills: Readonly<Record<string, Bill>> = {
  "50 steps": calls(50),
  "30 steps": calls(30),
  "17 steps": calls(17),
  "11 steps": calls(11),
};

const paper = [
  ...rowsOf("FoCa's table", [
    ["50 steps", 3726.87, 0.9898, 32.404],
    ["30 steps", 2231.70, 0.9663, 32.312],
    ["17 steps", 1264.63, 0.9453, 32.114],
    ["11 steps", 818.29, 0.8183, 31.772],
    ["FORA, N = 3", 1320.07, 0.9776, 32.266],
    ["FORA, N = 4", 967.91, 0.9730, 32.142],
    ["FORA, N = 7", 670.14, 0.7418, 31.519],
    ["ToCa, N = 8", 784.54, 0.9451, 31.993],
    ["ToCa, N = 12", 644.70, 0.7155, 31.808],
    ["DuCa, N = 5", 978.76, 0.9955, 32.241],
    ["DuCa, N = 7", 760.14, 0.9757, 32.066],
    ["DuCa, N = 10", 606.91, 0.8382, 31.759],
    ["TeaCache, l = 0.8", 892.35, 0.8683, 31.704],
    ["TeaCache, l = 1.2", 669.27, 0.7394, 31.704],
    ["TaylorSeer, N = 4, O = 2", 1042.27, 0.9857, 32.413],
    ["TaylorSeer, N = 5, O = 2", 893.54, 0.9768, 32.467],
    ["TaylorSeer, N = 7, O = 2", 670.44, 0.9128, 32.128],
    ["FoCa, N = 5", 893.54, 1.0029, 32.948],
    ["FoCa, N = 7", 670.44, 0.9891, 32.920],
    ["FoCa, N = 8", 596.07, 0.9502, 32.706],
  ]),
  ...rowsOf("cache-dit's table", [
    ["50 steps", 3726.87, 1.0412, 32.9217],
    ["DBCache, F8 W4, 0.08", 2064.81, 1.0370, 32.9871, 33.8317],
    ["DBCache, F8 W4 MC2, 0.12", 1935.73, 1.0185, 32.9535, 32.7346],
    ["DBCache, F8 W4 MC3, 0.12", 1816.58, 1.0085, 32.9234, 32.5385],
    ["DBCache, F4 W4 MC3, 0.12", 1507.83, 1.0130, 32.8981, 31.8031],
    ["DBCache, F4 W4 MC4, 0.12", 1400.08, 1.0065, 32.8384, 31.5292],
  ]),
];

const full = {
  ...fullSd,
  ...mmditMethods,
  model: "black-forest-labs/FLUX.1-dev",
  prompts: { ...fullSd.prompts!, evaluation: "prompts/drawbench.txt" },
  superNet: { granularity: "sublayer", backup: "residual" },
  sparsity: [0.5, 0.65, 0.75, 0.8],
  evaluation: { ...fullSd.evaluation, pairs: 200, batch: 1 },
} as const;

export default {
  name: "flux",
  description: "FLUX.1 dev at 1024x1024, flow-match Euler, 50 steps",
  paper,
  sections: {
    full: sectionsFrom(full, {
      "50 steps": {
        name: "flux-dev-50",
        description: "FLUX.1 dev at 1024x1024, 50 steps, guidance 3.5",
        sampler: { kind: "own", steps: 50, guidanceScale: 3.5 },
      },
      "28 steps": {
        name: "flux-dev-28",
        description: "FLUX.1 dev at 1024x1024, 28 steps, guidance 3.5",
        sampler: { kind: "own", steps: 28, guidanceScale: 3.5 },
      },
    }),
    embedded: sectionsFrom(embeddedMmdit, {
      "50 steps": {
        name: "flux-shapes-50",
        description: "the embedded multimodal transformer, 50 steps",
        sampler: { ...embeddedMmdit.sampler, steps: 50, guidanceScale: 3.5 },
      },
    }),
  },
  explanations: {
    calls:
      "They print FLOPs, which are halved here to MACs. Ours, attention included, are 1859.616 T for 50 calls, 1115.770 T for 30, 632.270 T for 17 and 409.116 T for 11: 0.2 % less for 50, for what their counter adds to products is not published.",
    copied:
      "What a cache leaves out is not published a call: its figure is copied.",
  },
  notes: [
    "† rows are of two tables with bases of their own, whose figures stand in columns of their own: ImageReward of the unpruned model is 0.9898 in one and 1.0412 in the other. Both are copied from the benchmark page of cache-dit (github.com/vipshop/cache-dit, bench/README.md), which has the first from FoCa (arXiv 2508.16211).",
    "Prompts are the 200 of DrawBench, one a line in prompts/drawbench.txt. The tables' CLIP score is of another network than ours, and ImageReward is not measured here.",
    "MagCache's authors print time alone, at 28 steps on an A800: 14.26 s full, 5.65 s for TeaCache (0.6), 5.05 s for MagCache (0.24, K = 5, retention 0.1); without MACs they are no rows.",
    "FLUX.1 dev is distilled from guided samples and runs once a step; at embedded scale the model is guided and runs twice.",
    ...notesOfAll.slice(1),
  ],
} satisfies Study;
