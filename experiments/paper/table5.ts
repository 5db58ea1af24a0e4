/** Table 5: the consistency loss. */
import { ablation } from "./ablations.ts";
import { notesOfAll } from "./base.ts";
import { ratioRow } from "./rows.ts";
import type { Scale, Study } from "../schema/study.ts";

const sections = (scale: Scale) => [
  ablation(scale, "L1", { consistency: "l1" }),
  ablation(scale, "L2", { consistency: "l2" }),
  ablation(scale, "SSIM"),
  ablation(scale, "L1+SSIM", { consistency: "l1+ssim" }),
];

export default {
  name: "paper-table5",
  description: "Table 5: consistency by L1, L2, SSIM, L1 + SSIM",
  paper: [
    ratioRow("L1", 29.94),
    ratioRow("L2", 29.71),
    ratioRow("SSIM", 30.29),
    ratioRow("L1 + SSIM", 29.77),
  ],
  sections: { full: sections("full"), embedded: sections("embedded") },
  notes: [
    ...notesOfAll,
    "The table prints no MACs: those of the paper's rows are 0.2 x 16.94 T.",
    "Every section has the same seed, prompts and noise, so a difference is the loss's. SSIM is table 7's alpha 1 and runs once for both.",
  ],
} satisfies Study;
