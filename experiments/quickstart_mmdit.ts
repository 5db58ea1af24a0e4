/** The embedded multimodal transformer pruned, beside its rivals. */
import type { Experiment } from "./schema/experiment.ts";
import quickstart, { learnedSolvers } from "./quickstart.ts";
import quickstartSd from "./quickstart_sd.ts";

export default {
  ...quickstartSd,
  name: "quickstart-mmdit",
  description: "the embedded multimodal transformer pruned, beside its rivals",
  model: "zoo/models/mmdit-shapes",
  sampler: { kind: "own", steps: 28, guidanceScale: 4.5, maxSequenceLength: 1 },
  superNet: quickstart.superNet,
  sparsity: quickstart.sparsity,
  methods: [
    "fewer-steps",
    "uniform-reuse",
    "fora",
    "smoothcache",
    "taylorseer",
    "searched-subset+forecast",
    ...learnedSolvers,
  ],
  evaluation: quickstart.evaluation,
} satisfies Experiment;
