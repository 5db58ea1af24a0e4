/** The embedded multimodal transformer pruned by gradient, beside every honest rival. */
import { promptSearch } from "@dip-go/pruner";
import type { Experiment } from "./schema/experiment.ts";
import quickstartSd from "./quickstart_sd.ts";

export default {
  name: "quickstart-mmdit",
  description:
    "the embedded multimodal transformer pruned by gradient, beside its rivals",
  seed: 0,
  model: "zoo/models/mmdit-shapes",
  prompts: quickstartSd.prompts,
  sampler: { kind: "own", steps: 28, guidanceScale: 4.5, maxSequenceLength: 1 },
  superNet: { granularity: "sublayer", backup: "residual" },
  search: promptSearch,
  cost: "macs",
  sparsity: [0.5, 0.6, 0.7, 0.8],
  methods: [
    "fewer-steps",
    "uniform-reuse",
    "fora",
    "smoothcache",
    "taylorseer",
    "searched-subset+forecast",
    { kind: "uniform+learned-solver", refine: "none", name: "uniform+ridge" },
    { kind: "learned-solver", refine: "none", name: "learned-solver+ridge" },
  ],
  mainMethod: "learned-solver+ridge",
  evaluation: { pairs: 64, seed: 1000, batch: 8 },
  metrics: quickstartSd.metrics,
  latency: { batches: [1], rounds: 2 },
} satisfies Experiment;
