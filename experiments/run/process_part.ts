/** One process's part in an experiment: with others on the same store, it makes the steps before latency. */
import {
  experimentSteps,
  metricTargets,
  sampleTargets,
} from "./steps/experiment_steps.ts";
import type { Progress } from "../engine/progress.ts";
import type { Provenance } from "../results/provenance.ts";
import type { RunIdentity } from "../results/run_folder.ts";
import { type Share, shareOf, shareStart } from "../engine/share.ts";
import { makeSteps } from "../engine/step_graph.ts";
import { rowLine } from "./steps/finished_rows.ts";
import { openStepTools } from "./steps/step_tools.ts";

/** What a process is to do; survives JSON. */
export interface ProcessPart {
  /** Folder of all experiments' runs. */
  readonly root: string;
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
  /** Of the samples; without one, all samples and metrics. */
  readonly share?: Share;
  /** Which process this is, of how many that make the same steps. */
  readonly place: Share;
  /** CPU threads; all cores by default. */
  readonly threads?: number;
}

/** Makes the part's steps, or waits for other processes to; ends when all are there. */
export async function makePart(
  part: ProcessPart,
  progress: Progress,
): Promise<void> {
  const { share, place, identity: { experiment } } = part;
  await using tools = await openStepTools(part, progress);
  const { store } = tools;
  const steps = experimentSteps(tools);
  const targets = share
    ? shareOf(sampleTargets(steps), share)
    : metricTargets(steps);
  if (!share && place.index === 0) {
    for (const row of steps.rows) {
      progress.whenMade(row.metrics, () => rowLine(tools, row));
    }
  }
  // each begins elsewhere, so that they seldom ask for the same step or plan
  const start = shareStart(targets.length, place);
  const turned = [...targets.slice(start), ...targets.slice(0, start)];
  const { sparsity, latency } = experiment;
  const later = share ? 0 : sparsity.length * latency.batches.length;
  await makeSteps(turned, { store, progress, later, processes: place.count });
}
