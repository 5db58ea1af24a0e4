/** Figure 6: pictures as the pruning ratio rises. */
import type { Experiment } from "../schema/experiment.ts";
import type { Study } from "../schema/study.ts";
import { embeddedSd, fidelity, fullSd, notesOfAll } from "./base.ts";
import { sectionsFrom } from "./rows.ts";

const blocks = (base: Experiment, name: string) =>
  sectionsFrom(base, {
    blocks: {
      name,
      sparsity: [0.3, 0.5, 0.7, 0.8, 0.9],
      methods: ["fewer-steps", "dip-go"],
      evaluation: { ...base.evaluation, pairs: 16 },
      metrics: fidelity,
      latency: { batches: [1], rounds: 3 },
    },
  });

export default {
  name: "paper-figure6",
  description: "Figure 6: pictures and gates as the pruning ratio rises",
  paper: [],
  sections: {
    full: blocks(fullSd, "paper-figure6-blocks"),
    embedded: blocks(embeddedSd, "paper-figure6-shapes"),
  },
  notes: [
    ...notesOfAll,
    "No numbers stand beside this figure: look at grid.png and at gates/ in the section's folder.",
  ],
} satisfies Study;
