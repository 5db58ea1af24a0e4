/** What a sampler's pieces take on this device: measured once, and kept for all runs as what budgets of time are made of. */
import { TorchGenerator } from "@dip-go/core/random";
import { type PieceTimes, pieceTimes } from "../../measure/piece_times.ts";
import { openBench } from "../bench.ts";
import type { Provenance } from "../../results/provenance.ts";
import type { RunIdentity } from "../../results/run_folder.ts";
import { quietMachine } from "../../engine/quiet_machine.ts";
import { type Step, step } from "../../engine/step.ts";
import type { StepMemory } from "./step_memory.ts";
import { modelReads } from "./step_reads.ts";

/** What the times are measured on and for. */
export interface TimedBlocks {
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
  readonly memory: StepMemory;
  /** Whether other programs may keep the machine busy meanwhile. */
  readonly busyOk: boolean;
}

/** Times the pieces in turns; the batch is that of the latency columns. */
export function blockTimesStep(
  { identity, provenance: { hardware }, memory, busyOk }: TimedBlocks,
): Step<PieceTimes> {
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
      pieces: ["call", "held call", "conditional half", "block"],
    },
    cost: 0,
    memory: memory.sampling,
    alone: true,
    async make() {
      await using _quiet = await quietMachine("pieces", { busyOk });
      await using bench = await openBench(experiment, { device, precision });
      const random = new TorchGenerator(seed);
      const subjects = Array.from(
        { length: batch },
        (_, i) => bench.subject("search", i, random),
      );
      return await pieceTimes(bench.full, {
        images: batch,
        precision,
        conditioning: await bench.conditioning(subjects),
      });
    },
  });
}
