/**
 * The cost of each precision in quality, and its savings in bytes and time, for
 * the full sampler and for the default search's plan at half the MACs.
 *
 *   deno task experiment precision
 */
import quickstart from "./quickstart.ts";
import quickstartSd from "./quickstart_sd.ts";
import type { Experiment } from "./schema/experiment.ts";
import type { Sweep } from "./schema/sweep.ts";

const precisions = ["float16", "int8-weights", "int8"] as const;
const pruned = "learned-solver";

/** The sampler that an experiment prunes, and its search. */
const samplerOf = ({ model, sampler, superNet, search }: Experiment) => ({
  model,
  sampler,
  superNet,
  search,
});

export default {
  name: "precision",
  description: "float32, float16 and 8 bits: quality, file size and time",
  seed: 0,
  evaluation: { pairs: 64, seed: 1000, batch: 8 },
  metrics: [{ kind: "psnr" }, { kind: "ssim" }, { kind: "file-size" }],
  latency: { batches: [1], rounds: 3 },
  vary: [
    {
      "dit-shapes": samplerOf(quickstart),
      "sd-shapes": {
        ...samplerOf(quickstartSd),
        prompts: quickstartSd.prompts,
      },
    },
    {
      // fewer-steps at sparsity 0 is the full sampler
      full: {
        sparsity: [0],
        methods: precisions.map((precision) => ({
          kind: "fewer-steps",
          precision,
          name: precision,
        })),
        mainMethod: "int8-weights",
      },
      pruned: {
        sparsity: [0.5],
        methods: [
          pruned,
          ...precisions.map((precision) => ({
            kind: pruned,
            precision,
            name: `${pruned},${precision}`,
          })),
        ],
        mainMethod: pruned,
      },
    },
  ],
} satisfies Sweep;
