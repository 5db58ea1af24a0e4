/** Figure 6: pictures as the pruning ratio rises. */
import { embeddedSd, fidelity, fullSd, notesOfAll } from "./base.ts";
import type { Study } from "../schema/study.ts";

const sparsity = [0.3, 0.5, 0.7, 0.8, 0.9];
const methods = ["fewer-steps", "dip-go"];

export default {
  name: "paper-figure6",
  description: "Figure 6: pictures and gates as the pruning ratio rises",
  paper: [],
  sections: {
    full: [{
      label: "blocks",
      experiment: {
        ...fullSd,
        name: "paper-figure6-blocks",
        sparsity,
        methods,
        evaluation: { ...fullSd.evaluation, pairs: 16 },
        metrics: fidelity,
        latency: { batches: [1], rounds: 3 },
      },
    }],
    embedded: [{
      label: "blocks",
      experiment: {
        ...embeddedSd,
        name: "paper-figure6-shapes",
        sparsity,
        methods,
        evaluation: { ...embeddedSd.evaluation, pairs: 16 },
        metrics: fidelity,
        latency: { batches: [1], rounds: 3 },
      },
    }],
  },
  explanations: {},
  notes: [
    ...notesOfAll,
    "No numbers stand beside this figure: look at grid.png and at gates/ in the section's folder.",
  ],
} satisfies Study;
