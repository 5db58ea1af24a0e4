/** The step that fits a row's plan, and the searches within, which other rows and runs may share. */
import { fitRow, type PlannedRow, targetsOf } from "./fit_row.ts";
import { rowName } from "../../results/measured_row.ts";
import type {
  FittedPlan,
  MethodContext,
  SearchPlace,
} from "@dip-go/pruner/methods";
import type { RunIdentity } from "../../results/run_folder.ts";
import { noteIteration } from "../../results/search_curves.ts";
import { type Step, step } from "../../engine/step.ts";
import { modelReads } from "./step_reads.ts";
import type { StepTools } from "./step_tools.ts";

/** A row's plan, and the searches that it comes from. */
export interface RowFit {
  readonly fitted: FittedPlan;
  /** Keys of search steps, by the names that the method gives them. */
  readonly searches: Readonly<Record<string, string>>;
}

/** Fits a row's plan. */
export function fitStep(tools: StepTools, planned: PlannedRow): Step<RowFit> {
  const { method, sparsity } = planned;
  const calibration = calibrationReads(tools);
  const settings = settingsOf(tools.identity, planned);
  const own = method.searches ? method.reads?.(settings) ?? settings : {};
  return step({
    kind: "fit",
    name: rowName(method.name, sparsity),
    reads: { ...calibration, method: method.name, sparsity, settings: own },
    cost: method.searches ? 1 : 0,
    async make(progress) {
      const searches: Record<string, string> = {};
      const fitted = await fitRow(tools.bench, planned, {
        progress,
        once(name, make, reads = settings) {
          const all = { ...calibration, name, reads };
          const search = searchStep(tools, { name, make, reads: all });
          searches[name] = search.key;
          return tools.store.need(search);
        },
      });
      return { fitted, searches };
    },
  });
}

/** What the batches that searches work on are made of, their seed, and what blocks cost where that is measured. */
function calibrationReads(
  { identity, bench: { costs } }: StepTools,
): Record<string, unknown> {
  const { experiment: { seed, search }, inputs } = identity;
  const { batch, calibration } = search;
  const prompts = inputs.prompts?.search;
  return { ...modelReads(identity), seed, prompts, batch, calibration, costs };
}

/** All that a search may read. */
function settingsOf(
  { experiment }: RunIdentity,
  planned: PlannedRow,
): Pick<MethodContext, "search" | "sparsity"> {
  return {
    search: experiment.search,
    sparsity: targetsOf(experiment, planned),
  };
}

function searchStep<Value>(
  { store }: StepTools,
  { name, make, reads }: {
    name: string;
    make: (place: SearchPlace) => Promise<Value>;
    reads: unknown;
  },
): Step<Value> {
  const search: Step<Value> = step({
    kind: "search",
    name,
    reads,
    cost: 1,
    async make() {
      const checkpoint = await store.checkpoint(search);
      return await make({
        checkpoint,
        note: (iteration, values) =>
          noteIteration(checkpoint, iteration, values),
      });
    },
  });
  return search;
}
