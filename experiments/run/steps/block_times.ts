/** The step that times a sampler's pieces on this device, once for the budgets of time of all runs. */
import { type PieceTimes, pieceTimes } from "../../measure/piece_times.ts";
import { openBench } from "../bench.ts";
import type { RunPart } from "../../results/run_folder.ts";
import { quietMachine } from "../../engine/quiet_machine.ts";
import { type Step, step } from "../../engine/step.ts";
import type { StepMemory } from "./step_memory.ts";
import { modelReads } from "./step_reads.ts";

/** The step that times the pieces in turns, at the batch size of the latency columns. */
export function blockTimesStep(
  { identity, provenance: { hardware }, memory, busyOk }:
    & Required<Omit<RunPart, "root">>
    & { readonly memory: StepMemory },
): Step<PieceTimes> {
  const { experiment, device, precision, inputs } = identity;
  const { latency: { batches: [batch] } } = experiment;
  return step({
    kind: "block-times",
    name: `at batch ${batch}`,
    reads: {
      ...modelReads(identity),
      prompts: inputs.prompts?.search,
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
      const subjects = bench.searchSubjects(batch, 0);
      return await pieceTimes(bench.full, {
        images: batch,
        precision,
        conditioning: await bench.conditioning(subjects),
      });
    },
  });
}
