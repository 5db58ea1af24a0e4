/** Figure 3: seconds of one image against the pruning ratio. */
import type { PaperRow, Study } from "../schema/study.ts";
import { embeddedSd, fidelity, fullSd, notesOfAll } from "./base.ts";
import { sectionsFrom } from "./rows.ts";

const sparsity = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const fullSeconds = 5.01;
const seconds = [3.59, 3.13, 2.65, 2.18, 1.70, 1.23];

const row = (label: string, sparsity: number, seconds: number): PaperRow => ({
  label,
  dense: "16.94",
  sparsity,
  seconds,
  speedup: Number((fullSeconds / seconds).toFixed(2)),
});
const paper = [
  row("full", 0, fullSeconds),
  ...sparsity.map((ratio, i) => row(`DiP-GO, ${ratio}`, ratio, seconds[i])),
];

export default {
  name: "paper-figure3",
  description: "Figure 3: seconds of one image against the pruning ratio",
  paper,
  sections: {
    full: sectionsFrom(fullSd, {
      blocks: {
        name: "paper-figure3-blocks",
        sparsity,
        evaluation: { ...fullSd.evaluation, pairs: 16 },
        metrics: fidelity,
        latency: { batches: [1], rounds: 10 },
      },
    }),
    embedded: sectionsFrom(embeddedSd, {
      blocks: {
        name: "paper-figure3-shapes",
        sparsity,
        evaluation: { ...embeddedSd.evaluation, pairs: 8 },
        metrics: fidelity,
        latency: { batches: [1], rounds: 7 },
      },
    }),
  },
  notes: [
    ...notesOfAll,
    "The figure prints no MACs: those of the paper's rows are what the ratio leaves of 16.94 T, and its speedups are quotients of its seconds.",
    "The paper's seconds are of one image on its own GPU; ours are medians of rounds in which the pruned and the full model take turns on this machine. Text tower and decoder are left out of ours.",
  ],
} satisfies Study;
