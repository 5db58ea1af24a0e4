/** The step that fits a row's plan, after the parts of its search. */
import type { FittedPlan, ReadSettings } from "@dip-go/pruner/methods";
import { fitMeasured } from "./fit_measured.ts";
import { rowName } from "../../../results/measured_row.ts";
import { type Step, step } from "../../../engine/step.ts";
import { type PlannedRow, targetsUpTo } from "./fit_row.ts";
import { int8Step } from "./int8_step.ts";
import {
  fitPlanned,
  memoryOf,
  searchStep,
  searchSteps,
} from "./search_steps.ts";
import { searchReads } from "../step_reads.ts";
import type { StepTools } from "../step_tools.ts";

/** A row's plan, and the searches that it comes from. */
export interface RowFit {
  readonly fitted: FittedPlan;
  /** Keys of search steps, by the names that the method gives them. */
  readonly searches: Readonly<Record<string, string>>;
}

/** The step that fits a row's plan; it makes the parts of the search that were not known before. */
export function fitStep(tools: StepTools, planned: PlannedRow): Step<RowFit> {
  const { identity, store, blockTimes } = tools;
  const { method, target } = planned;
  const { experiment } = identity;
  const settings: ReadSettings = {
    search: experiment.search,
    sparsity: targetsUpTo(experiment, planned),
  };
  const reads = method.reads?.(settings) ?? (method.searches ? settings : {});
  const { parts, cost } = searchSteps(tools, planned);
  const memory = memoryOf(tools, planned);
  const choice = int8Step(tools, method);
  return step({
    kind: "fit",
    name: rowName(method.name, target),
    reads: {
      ...searchReads(identity),
      method: method.name,
      sparsity: target,
      settings: reads,
      ...blockTimes ? { measured: true } : {},
      ...method.precision ? { precision: method.precision } : {},
    },
    after: [
      ...method.searches ? tools.calibration : [],
      ...parts,
      ...blockTimes ? [blockTimes] : [],
      ...choice ? [choice] : [],
    ],
    cost,
    memory,
    alone: blockTimes !== undefined,
    async make(report) {
      const searches: Record<string, string> = {};
      const fit = (share?: number) =>
        fitPlanned(tools, planned, {
          report,
          share,
          async once({ name, reads }, make) {
            const part = parts.find((each) => each.name === name) ??
              searchStep(tools, { name, reads, cost: 0, memory, make });
            searches[name] = part.key;
            return await store.need(part);
          },
        });
      const fitted = blockTimes
        ? await fitMeasured(tools, planned, fit)
        : await fit();
      const { precision } = method;
      if (!precision || fitted.kind === "none") return { fitted, searches };
      if (choice) searches[choice.name] = choice.key;
      const int8Weights = choice && (await store.read(choice)).weights;
      const precise = { precision, int8Weights };
      return { fitted: { ...fitted, precise }, searches };
    },
  });
}
