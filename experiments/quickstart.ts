/** Every rival that needs no training, on the embedded model; about five minutes on two cores. */
import type { Experiment } from "./experiment.ts";

export default {
  name: "quickstart",
  description: "rivals without search on the embedded model, 20 DDIM steps",
  seed: 0,
  model: "zoo/models/dit-shapes",
  sampler: { kind: "ddim", steps: 20, guidanceScale: 2 },
  superNet: { granularity: "sublayer", backup: "residual" },
  search: { batch: 8 },
  sparsity: [0.5, 0.6, 0.7, 0.8],
  methods: ["fewer-steps", "uniform-reuse", "fora", "random"],
  mainMethod: "uniform-reuse",
  evaluation: { pairs: 64, seed: 1000, batch: 8 },
  latency: { batches: [1, 8], rounds: 5 },
} satisfies Experiment;
