/** What every block of a model takes on this device: measured once, and kept for all runs as what budgets of time are made of. */
import { timesteps } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { SamplerArithmetic } from "@dip-go/supernet/sampling";
import { interleave, type Latency } from "@dip-go/eval/statistics";
import { type Bench, openBench } from "../bench.ts";
import type { Provenance } from "../../results/provenance.ts";
import type { RunIdentity } from "../../results/run_folder.ts";
import { quietMachine } from "../../engine/quiet_machine.ts";
import { type Step, step } from "../../engine/step.ts";
import type { StepMemory } from "./step_memory.ts";
import { modelReads } from "./step_reads.ts";

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
  readonly memory: StepMemory;
  /** Whether other programs may keep the machine busy meanwhile. */
  readonly busyOk: boolean;
}

/** Times the blocks, each alone in a session of its own, in turns: the batch is that of the latency columns. */
export function blockTimesStep(
  { identity, provenance: { hardware }, memory, busyOk }: TimedBlocks,
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
    cost: 0,
    memory: memory.sampling,
    alone: true,
    async make() {
      await using _quiet = busyOk ? undefined : await quietMachine("blocks");
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
  using workspace = runner.workspaces.enter();
  const arithmetic = new SamplerArithmetic(
    net,
    { sampler, guidanceScale },
    workspace,
  );
  const { sample } = await arithmetic.start(noise);
  const runs = await runner.blockRuns({
    ...await bench.conditioning(subjects),
    sample,
    timestep: timesteps(sample.shape[0], sampler.steps[0].timestep),
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
