/** What every block of a model takes on this device: measured once, and kept for all runs as what budgets of time are made of. */
import { TorchGenerator } from "@dip-go/core/random";
import { firstState, stepFeeds } from "@dip-go/supernet/sampling";
import { interleave, type Latency } from "@dip-go/eval/statistics";
import { type Bench, openBench } from "../bench.ts";
import type { Progress } from "../../engine/progress.ts";
import type { Provenance } from "../../results/provenance.ts";
import type { RunIdentity } from "../../results/run_folder.ts";
import { type Step, step } from "../../engine/step.ts";
import { makeSteps } from "../../engine/step_graph.ts";
import { modelReads } from "./step_reads.ts";
import type { StepStore } from "../../engine/step_store.ts";

/** Medians, one for each block of the model in execution order. */
export interface BlockTimes {
  readonly blocks: readonly string[];
  /** Of one guided image, whole numbers. */
  readonly nanoseconds: readonly number[];
}

/** Calls of the model whose blocks are timed. */
const timedCalls = 15;

/** What the times are measured on and for. */
export interface TimedBlocks {
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
}

/** Times the blocks, each alone in a session of its own, in turns: the batch is that of the latency columns. */
function blockTimesStep(
  { identity, provenance: { hardware } }: TimedBlocks,
): Step<BlockTimes> {
  const { experiment, device, precision, inputs } = identity;
  const { latency: { batches: [batch] }, seed } = experiment;
  return step({
    kind: "block-times",
    name: `at batch ${batch}`,
    reads: {
      ...modelReads(identity),
      prompts: inputs.prompts?.search,
      seed,
      hardware,
      batch,
    },
    cost: 1,
    async make() {
      await using bench = await openBench(experiment, { device, precision });
      return await blockTimes(bench, batch);
    },
  });
}

async function blockTimes(bench: Bench, images: number): Promise<BlockTimes> {
  const { seed, sampler: { steps } } = bench.experiment;
  const runner = bench.runner({ images, steps });
  const { net } = runner;
  const random = new TorchGenerator(seed);
  const subjects = Array.from(
    { length: images },
    (_, i) => bench.subject("search", i, random),
  );
  const { sampler, guidanceScale } = bench.setup(steps);
  const noise = random.randn([images, ...net.model.inputs[0].shape.slice(1)]);
  const { latents } = firstState({ sampler, latents: noise });
  using workspace = runner.workspaces.enter();
  const runs = await runner.blockRuns({
    ...await bench.conditioning(subjects),
    ...await stepFeeds(workspace, sampler.steps[0], { latents, guidanceScale }),
  }, workspace);
  const blocks = net.blocks.map(({ block }) => block.name);
  const measured: Record<string, Latency> = await interleave(
    Object.fromEntries(blocks.map((name, i) => [name, runs[i]])),
    { rounds: timedCalls },
  );
  const nanoseconds = blocks.map((name) =>
    Math.max(1, Math.round(1e6 * measured[name].median / images))
  );
  return { blocks, nanoseconds };
}

/** The times that an experiment's budgets are of, measured unless they were; undefined where budgets are of MACs. */
export async function neededBlockTimes(
  timed: TimedBlocks,
  { store, progress }: { store: StepStore; progress: Progress },
): Promise<BlockTimes | undefined> {
  if (timed.identity.experiment.cost === "macs") return undefined;
  const step = blockTimesStep(timed);
  await makeSteps([step], { store, progress });
  return await store.read(step);
}
