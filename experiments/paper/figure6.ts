/** Figure 6: pictures as the pruning ratio rises. */
import type { Study } from "../schema/study.ts";
import { embeddedSd, fidelity, fullSd, notesOfAll } from "./base.ts";
import { sectionsFrom } from "./rows.ts";

const shown = {
  sparsity: [0.3, 0.5, 0.7, 0.8, 0.9],
  methods: ["fewer-steps", "dip-go"],
  metrics: fidelity,
  latency: { batches: [1], rounds: 3 },
};

export default {
  name: "paper-figure6",
  description: "Figure 6: pictures and gates as the pruning ratio rises",
  paper: [],
  sections: {
    full: sectionsFrom(fullSd, {
      blocks: {
        ...shown,
        name: "paper-figure6-blocks",
        evaluation: { ...fullSd.evaluation, pairs: 16 },
      },
    }),
    embedded: sectionsFrom(embeddedSd, {
      blocks: {
        ...shown,
        name: "paper-figure6-shapes",
        evaluation: { ...embeddedSd.evaluation, pairs: 16 },
      },
    }),
  },
  notes: [
    ...notesOfAll,
    "No numbers stand beside this figure: look at grid.png and at gates/ in the section's folder.",
  ],
} satisfies Study;
