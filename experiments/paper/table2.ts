/** Table 2: Stable Diffusion 2.1 at 768 pixels. */
import { learnedSolvers } from "../quickstart.ts";
import type { Study } from "../schema/study.ts";
import { cocoFid, embeddedSd, fullSd, notesOfAll } from "./base.ts";
import { paperRows, sectionsFrom } from "./rows.ts";

const cut = { because: "truncated" };
const fitted = { keep: 0.3, because: "fitted" };
const paper = paperRows({
  model: "sd-2.1",
  calls: 50,
  dense: "38.04",
  columns: ["speedup", "clip", "fid_companion"],
}, [
  ["50 steps", "38.04", cut, 1, 31.55, 27.29],
  ["20 steps", "15.21", { calls: 20, ...cut }, 2.49, 31.53, 27.83],
  ["DiP-GO, 0.7", "11.42", fitted, 3.02, 31.50, 25.98],
  ["DiP-GO, 0.8", "7.61", { keep: 0.2 }, 3.81, 30.92, 27.69],
]);

const rivals = {
  sparsity: [0.6, 0.7, 0.8],
  methods: ["fewer-steps", "searched-subset", "dip-go", "energy+forecast"],
};

export default {
  name: "paper-table2",
  description: "Table 2: SD-2.1 at 768x768, DPM-Solver",
  paper,
  sections: {
    full: sectionsFrom(fullSd, {
      blocks: {
        ...rivals,
        name: "paper-table2-blocks",
        description:
          "Stable Diffusion 2.1 at 768x768, DPM-Solver++, 50 steps, nine blocks",
        model: "stabilityai/stable-diffusion-2-1",
        sampler: { kind: "dpm-solver++", steps: 50, guidanceScale: 7.5 },
        metrics: [...fullSd.metrics, cocoFid],
      },
    }),
    embedded: sectionsFrom(embeddedSd, {
      blocks: {
        ...rivals,
        name: "paper-table2-shapes",
        methods: [...rivals.methods, ...learnedSolvers],
        description:
          "the embedded text-to-image model, DPM-Solver++, 50 steps, nine blocks",
        sampler: { kind: "dpm-solver++", steps: 50, guidanceScale: 3 },
      },
    }),
  },
  explanations: {
    truncated:
      "The paper cuts digits off: 50 x 760.93 G is 38.047 T and printed 38.04, 20 calls are 15.219 T and printed 15.21.",
    fitted:
      "0.3 x 38.047 T is 11.414 T; the paper prints what the gates keep that Algorithm 1 found, which stops within 1.25 % of the asked ratio.",
  },
  notes: [
    ...notesOfAll,
    "FID is of 5,000 images against 5,000 of COCO 2017; the companion code resizes and crops to 512 first.",
    "Attention is 29 % of the arithmetic at 96x96 latents (1074.55 G in total, 760.93 G in the paper's convention), so measured time follows the paper's MACs less than on SD-1.5.",
  ],
} satisfies Study;
