/** The embedded text-to-image model pruned, beside its rivals. */
import { promptSearch } from "@dip-go/pruner";
import type { Experiment } from "./schema/experiment.ts";
import quickstart, { fewSteps, learnedSolvers } from "./quickstart.ts";

export default {
  name: "quickstart-sd",
  description: "the embedded text-to-image model pruned, beside its rivals",
  seed: 0,
  model: "zoo/models/sd-shapes",
  prompts: {
    search: "zoo/prompts/scenes-search.txt",
    evaluation: "zoo/prompts/scenes-evaluation.txt",
  },
  sampler: { kind: "pndm", steps: 50, guidanceScale: 3 },
  superNet: { granularity: "branch" },
  search: promptSearch,
  cost: "macs",
  sparsity: [0.5, 0.6, 0.7, 0.8, 0.9],
  methods: [
    "fewer-steps",
    fewSteps("dpm-solver++"),
    fewSteps("unipc"),
    "uniform-reuse",
    "deepcache",
    "deepcache-nonuniform",
    "random",
    "searched-subset",
    "dip-go+steps",
    "energy+forecast",
    ...learnedSolvers,
  ],
  mainMethod: "learned-solver",
  evaluation: { pairs: 32, seed: 1000, batch: 8 },
  metrics: [
    ...quickstart.metrics,
    { kind: "prompt-accuracy", pair: "zoo/models/scenes-clip" },
  ],
  latency: { batches: [1], rounds: 3 },
} satisfies Experiment;
