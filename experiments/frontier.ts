/**
 * Quality against MACs, measured time and search cost: every method that
 * applies, over models, samplers and counts of steps.
 *
 *   deno task experiment frontier --dry-run                  # prints costs, samples nothing
 *   deno task experiment frontier-dit-shapes-ddim-20-steps   # one of its sections
 */
import quickstart, { fewSteps, learnedSolvers } from "./quickstart.ts";
import quickstartMmdit from "./quickstart_mmdit.ts";
import quickstartSd from "./quickstart_sd.ts";
import type { Experiment } from "./schema/experiment.ts";
import type { Sweep } from "./schema/sweep.ts";

const { prompts } = quickstartSd;

/** Methods for every network. */
const always = [
  "fewer-steps",
  fewSteps("dpm-solver++"),
  fewSteps("unipc"),
  "gits",
  "uniform-reuse",
  "guidance-stops",
  "random",
  "searched-subset",
  "searched-subset+forecast",
  "dpcache",
  "budcache",
  "l2p",
  "dip-go+steps",
  "energy+forecast",
  ...learnedSolvers,
];

/** Methods for networks whose blocks add to a residual stream. */
const streams = {
  methods: [
    "fora",
    "delta-dit",
    "smoothcache",
    "magcache",
    "first-block-cache",
    "teacache",
    "taylorseer",
    ...always,
  ],
};

/** Methods for UNets. */
const branches = {
  methods: [
    "deepcache",
    "deepcache-nonuniform",
    "faster-diffusion",
    ...always,
  ],
};

/** The model, units and guidance of an experiment. */
const modelOf = ({ model, superNet, sampler }: Experiment) => ({
  model,
  superNet,
  "sampler.guidanceScale": sampler.guidanceScale,
});

const dit = { ...streams, ...modelOf(quickstart) };
const sd = { ...branches, ...modelOf(quickstartSd), prompts };

export default {
  name: "frontier",
  description: "quality against MACs, time and search cost",
  seed: 0,
  /** A shorter search than by default, so that all sections take hours, not a day. */
  search: {
    budCache: { evaluations: 12 },
    subset: { evaluations: 12 },
    solver: { pairs: 32 },
  },
  sparsity: [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
  mainMethod: "learned-solver",
  evaluation: { pairs: 24, seed: 1000, batch: 8 },
  metrics: quickstart.metrics,
  latency: { batches: [1], rounds: 2 },
  vary: [
    {
      "dit-shapes, DDIM": { ...dit, "sampler.kind": "ddim" },
      "dit-shapes, DPM-Solver++": { ...dit, "sampler.kind": "dpm-solver++" },
      "sd-shapes, DDIM": { ...sd, "sampler.kind": "ddim" },
      "sd-shapes, DPM-Solver++": { ...sd, "sampler.kind": "dpm-solver++" },
      // a flow of velocities, which neither DDIM nor DPM-Solver++ samples
      "mmdit-shapes, flow-match Euler": {
        ...streams,
        ...modelOf(quickstartMmdit),
        prompts,
        "sampler.kind": quickstartMmdit.sampler.kind,
        "sampler.maxSequenceLength": quickstartMmdit.sampler.maxSequenceLength,
      },
    },
    {
      "20 steps": { "sampler.steps": 20 },
      "50 steps": { "sampler.steps": 50 },
    },
  ],
} satisfies Sweep;
