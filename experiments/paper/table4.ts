/** Table 4: pruning on top of fast samplers. */
import type { KnownModelName } from "@dip-go/core/models";
import type { Study } from "../schema/study.ts";
import { embeddedSd, fullSd, notesOfAll } from "./base.ts";
import { paperRows, type PrintedRow, sectionsFrom } from "./rows.ts";

/** The paper's rows of a sampler, unpruned and pruned. */
const pair = (
  model: KnownModelName,
  calls: number,
  rows: readonly [PrintedRow, PrintedRow],
) => paperRows({ model, calls, dense: rows[0][1], columns: ["clip"] }, rows);

const cut = { because: "truncated" };
const fitted = { keep: 0.3, because: "fitted" };
const unknown = { unknown: true, because: "lcm" } as const;
const paper = [
  ...pair("sd-1.5", 50, [
    ["DDIM-50, SD-1.5", "16.94", {}, 30.30],
    ["DiP-GO on DDIM-50, SD-1.5", "3.38", { keep: 0.2, ...cut }, 30.29],
  ]),
  ...pair("sd-2.1", 50, [
    ["DPM-50, SD-2.1", "38.04", cut, 31.55],
    ["DiP-GO on DPM-50, SD-2.1", "11.42", fitted, 31.50],
  ]),
  ...pair("sd-2.1", 25, [
    ["DPM-25, SD-2.1", "19.02", {}, 31.59],
    ["DiP-GO on DPM-25, SD-2.1", "9.51", { keep: 0.5 }, 31.52],
  ]),
  ...pair("sdxl", 4, [
    ["LCM-4, SDXL", "11.95", { because: "sdxl" }, 31.92],
    ["DiP-GO on LCM-4, SDXL", "11.58", unknown, 31.30],
  ]),
];

const methods = ["fewer-steps", "searched-subset", "dip-go"];
const sd21 = { model: "stabilityai/stable-diffusion-2-1", methods };

export default {
  name: "paper-table4",
  description: "Table 4: DiP-GO on DDIM, DPM-Solver and LCM",
  paper,
  sections: {
    full: sectionsFrom(fullSd, {
      "DDIM-50": {
        name: "paper-table4-ddim50",
        description: "Stable Diffusion 1.5, DDIM, 50 steps",
        sampler: { kind: "ddim", steps: 50, guidanceScale: 7.5 },
        sparsity: [0.8],
        methods,
      },
      "DPM-50": {
        ...sd21,
        name: "paper-table4-dpm50",
        description: "Stable Diffusion 2.1, DPM-Solver++, 50 steps",
        sampler: { kind: "dpm-solver++", steps: 50, guidanceScale: 7.5 },
        sparsity: [0.7],
      },
      "DPM-25": {
        ...sd21,
        name: "paper-table4-dpm25",
        description: "Stable Diffusion 2.1, DPM-Solver++, 25 steps",
        sampler: { kind: "dpm-solver++", steps: 25, guidanceScale: 7.5 },
        sparsity: [0.5],
      },
      "LCM-4": {
        name: "paper-table4-lcm4",
        description: "Stable Diffusion XL distilled to LCM, 4 steps",
        model: "./models/lcm-sdxl",
        sampler: { kind: "lcm", steps: 4, guidanceScale: 1 },
        sparsity: [0.03],
      },
    }),
    embedded: sectionsFrom(embeddedSd, {
      "DDIM-50": {
        name: "paper-table4-shapes-ddim50",
        description: "the embedded text-to-image model, DDIM, 50 steps",
        sampler: { kind: "ddim", steps: 50, guidanceScale: 3 },
        sparsity: [0.8],
        methods,
      },
      "DPM-25": {
        name: "paper-table4-shapes-dpm25",
        description: "the embedded text-to-image model, DPM-Solver++, 25 steps",
        sampler: { kind: "dpm-solver++", steps: 25, guidanceScale: 3 },
        sparsity: [0.5],
        methods,
      },
      "LCM-4": {
        name: "paper-table4-shapes-lcm4",
        description:
          "the embedded text-to-image model, which is not distilled, with LCM's sampler, 4 steps",
        sampler: { kind: "lcm", steps: 4, guidanceScale: 3 },
        sparsity: [0.05],
      },
    }),
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
    "LCM-4 needs a pipeline folder models/lcm-sdxl: Stable Diffusion XL with LCM's LoRA (deno task fuse --model stabilityai/stable-diffusion-xl-base-1.0 --lora latent-consistency/lcm-lora-sdxl/pytorch_lora_weights.safetensors -o models/lcm-sdxl).",
    "With 4 calls there is hardly anything to reuse: the paper removes 3 %.",
    "DPM-50 of the embedded model is table 2. Its LCM row runs LCM's sampler on a model that was not distilled: fidelity to it says what pruning costs, the pictures themselves are poor.",
  ],
} satisfies Study;
