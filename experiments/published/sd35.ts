/** Stable Diffusion 3 and 3.5 with 28 steps, at the two guidance scales that are usual for their pipelines. */
import { embeddedSd, fullSd, notesOfAll } from "../paper/base.ts";
import { sectionsFrom } from "../paper/rows.ts";
import quickstartMmdit from "../quickstart_mmdit.ts";
import type { Experiment } from "../schema/experiment.ts";
import type { Study } from "../schema/study.ts";

/** Methods that prune a multimodal transformer, and methods that call it less often. */
export const mmditMethods: Pick<Experiment, "methods" | "mainMethod"> = {
  methods: [
    "fewer-steps",
    "uniform-reuse",
    "fora",
    "searched-subset",
    "searched-subset+forecast",
    "energy+forecast",
    "learned-solver",
  ],
  mainMethod: "learned-solver",
};

/** The embedded multimodal transformer, with the metrics of {@linkcode embeddedSd}. */
export const embeddedMmdit: Experiment = {
  ...quickstartMmdit,
  ...mmditMethods,
  metrics: embeddedSd.metrics,
};

const full: Experiment = {
  ...fullSd,
  ...mmditMethods,
  name: "sd35-full",
  superNet: { granularity: "sublayer", backup: "residual" },
  sparsity: [0.5, 0.6, 0.7, 0.8],
};

export default {
  name: "sd35",
  description: "SD3 and SD3.5 at 1024x1024, flow-match Euler, 28 steps",
  paper: [],
  sections: {
    full: sectionsFrom(full, {
      "SD3 medium": {
        name: "sd3-medium-28",
        description: "Stable Diffusion 3 medium at 1024x1024, guidance 7",
        model: "stabilityai/stable-diffusion-3-medium-diffusers",
        sampler: { kind: "own", steps: 28, guidanceScale: 7 },
      },
      "SD3.5 medium": {
        name: "sd35-medium-28",
        description: "Stable Diffusion 3.5 medium at 1024x1024, guidance 4.5",
        model: "stabilityai/stable-diffusion-3.5-medium",
        sampler: { kind: "own", steps: 28, guidanceScale: 4.5 },
      },
      "SD3.5 large": {
        name: "sd35-large-28",
        description: "Stable Diffusion 3.5 large at 1024x1024, guidance 4.5",
        model: "stabilityai/stable-diffusion-3.5-large",
        sampler: { kind: "own", steps: 28, guidanceScale: 4.5 },
      },
    }),
    embedded: sectionsFrom(embeddedMmdit, {
      "guidance 7": {
        name: "sd35-shapes-7",
        description: "the embedded multimodal transformer, guidance 7",
        sampler: { ...embeddedMmdit.sampler, guidanceScale: 7 },
      },
      "guidance 4.5": {
        name: "sd35-shapes-45",
        description: "the embedded multimodal transformer, guidance 4.5",
        sampler: { ...embeddedMmdit.sampler, guidanceScale: 4.5 },
      },
    }),
  },
  notes: [
    "No row is copied here: no table of these models that was found prints steps, guidance and MACs together.",
    ...notesOfAll.slice(1),
  ],
} satisfies Study;
