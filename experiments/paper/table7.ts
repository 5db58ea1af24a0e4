/** Table 7: the weight of the sparsity loss, and its cost factors. */
import { ablation } from "./ablations.ts";
import { notesOfAll } from "./base.ts";
import { ratioRow } from "./rows.ts";
import type { Scale, Study } from "../schema/study.ts";

const sections = (scale: Scale) => [
  ablation(scale, "alpha 0.1", { alpha: 0.1 }),
  ablation(scale, "alpha 0.5", { alpha: 0.5 }),
  ablation(scale, "alpha 1"),
  ablation(scale, "alpha 2", { alpha: 2 }),
  ablation(scale, "no gamma", { gamma: false }),
];

export default {
  name: "paper-table7",
  description: "Table 7: alpha of the sparsity loss, with and without gamma",
  paper: [
    ratioRow("alpha 0.1", 29.77),
    ratioRow("alpha 0.5", 29.93),
    ratioRow("alpha 1", 30.29),
    ratioRow("alpha 2", 30.17),
    ratioRow("without gamma", 29.50),
  ],
  sections: { full: sections("full"), embedded: sections("embedded") },
  notes: [
    ...notesOfAll,
    "The table prints no MACs: those of the paper's rows are 0.2 x 16.94 T.",
    "Every section has the same seed, prompts and noise. alpha 1 is table 5's SSIM and runs once for both.",
    "Without gamma every gate counts 1 in the sparsity loss, whatever closing it saves.",
  ],
} satisfies Study;
