/** The embedded transformer pruned, beside the strongest rivals of each kind. */
import { classSearch } from "@dip-go/pruner";
import type { Experiment } from "./schema/experiment.ts";

/** Another solver with fewer steps, which needs no search. */
export const fewSteps = (name: "dpm-solver++" | "unipc") => ({
  kind: "fewer-steps",
  solver: { kind: name },
  name,
});

/** The learned solver at evenly spaced calls, and at the calls of the default search. */
export const learnedSolvers = [
  "uniform+learned-solver",
  "learned-solver",
] as const;

export default {
  name: "quickstart",
  description: "the embedded transformer pruned, beside its rivals",
  seed: 0,
  model: "zoo/models/dit-shapes",
  sampler: { kind: "ddim", steps: 20, guidanceScale: 2 },
  superNet: { granularity: "sublayer", backup: "residual" },
  search: classSearch,
  cost: "macs",
  sparsity: [0.5, 0.7, 0.8],
  methods: [
    "fewer-steps",
    fewSteps("unipc"),
    "gits",
    "uniform-reuse",
    "fora",
    "searched-subset+forecast",
    "dip-go+steps",
    ...learnedSolvers,
  ],
  mainMethod: "learned-solver",
  evaluation: { pairs: 64, seed: 1000, batch: 8 },
  metrics: [{ kind: "psnr" }, { kind: "ssim" }],
  latency: { batches: [1], rounds: 5 },
} satisfies Experiment;
