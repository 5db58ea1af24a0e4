/** Figure 3: seconds of one image against the pruning ratio. */
import { embeddedSd, fidelity, fullSd, notesOfAll } from "./base.ts";
import type { PaperRow, Study } from "../schema/study.ts";

// pruning ratio, seconds
const points = [
  [0, 5.01],
  [0.3, 3.59],
  [0.4, 3.13],
  [0.5, 2.65],
  [0.6, 2.18],
  [0.7, 1.70],
  [0.8, 1.23],
] as const;

const paper: readonly PaperRow[] = points.map(([sparsity, seconds]) => ({
  label: sparsity === 0 ? "full" : `DiP-GO, ${sparsity}`,
  dense: "16.94",
  sparsity,
  seconds,
  speedup: Number((points[0][1] / seconds).toFixed(2)),
}));

const sparsity = points.slice(1).map(([s]) => s);

export default {
  name: "paper-figure3",
  description: "Figure 3: seconds of one image against the pruning ratio",
  paper,
  sections: {
    full: [{
      label: "blocks",
      experiment: {
        ...fullSd,
        name: "paper-figure3-blocks",
        sparsity,
        evaluation: { ...fullSd.evaluation, pairs: 16 },
        metrics: fidelity,
        latency: { batches: [1], rounds: 10 },
      },
    }],
    embedded: [{
      label: "blocks",
      experiment: {
        ...embeddedSd,
        name: "paper-figure3-shapes",
        sparsity,
        evaluation: { ...embeddedSd.evaluation, pairs: 8 },
        metrics: fidelity,
        latency: { batches: [1], rounds: 7 },
      },
    }],
  },
  explanations: {},
  notes: [
    ...notesOfAll,
    "The figure prints no MACs: those of the paper's rows are what the ratio leaves of 16.94 T, and its speedups are quotients of its seconds.",
    "The paper's seconds are of one image on its own GPU; ours are medians of rounds in which the pruned and the full model take turns on this machine. Text tower and decoder are left out of ours.",
  ],
} satisfies Study;
