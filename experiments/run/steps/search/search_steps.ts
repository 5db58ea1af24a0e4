/** The steps that search: a part of a search each, shared by all rows and runs that need the part. */
import type {
  FittedPlan,
  SearchPart,
  SearchPlace,
} from "@dip-go/pruner/methods";
import { type Report, type Step, step } from "../../../engine/step.ts";
import { noteIteration } from "../../../results/search_curves.ts";
import { calibrationOf } from "./calibration_steps.ts";
import { fitRow, type PlannedRow, targetsUpTo } from "./fit_row.ts";
import { searchReads } from "../step_reads.ts";
import type { StepTools } from "../step_tools.ts";

/** Thrown with the value of a part once a fit has made it, so that the rest of the fit is not done. */
class PartMade {
  constructor(readonly value: unknown) {}
}

/**
 * A step for each part of a row's search, if known before it runs; none if budgets are
 * of measured time. `cost`: what the row adds to the search of the target before, in
 * equal shares for its fit and the parts that the target before did not have.
 */
export function searchSteps(
  tools: StepTools,
  planned: PlannedRow,
): { readonly parts: readonly Step<unknown>[]; readonly cost: number } {
  const { counted, identity: { experiment } } = tools;
  const { method, target } = planned;
  const added = searchCost(tools, planned);
  if (!method.parts || tools.blockTimes) return { parts: [], cost: added };
  const { search } = experiment;
  const parts = method.parts({
    net: counted.searchedNet,
    search,
    sparsity: targetsUpTo(experiment, planned)
      .map((each) => counted.sparsityOf(each)),
    maxCost: search.batch * counted.budget(target),
  });
  const earlier = rowBefore(tools, planned);
  const known = earlier ? searchSteps(tools, earlier).parts : [];
  const before = new Set(known.map(({ name }) => name));
  const own = parts.filter(({ name }) => !before.has(name));
  const cost = added / (1 + own.length);
  const steps: Step<unknown>[] = [];
  for (const part of parts) {
    const made = searchStep(tools, {
      ...part,
      cost,
      memory: memoryOf(tools, planned),
      before: steps.slice(-1),
      make: (place, report) => partOf(tools, planned, { part, place, report }),
    });
    steps.push(known.find(({ key }) => key === made.key) ?? made);
  }
  return { parts: steps, cost };
}

/** The row of the same method at the target before. */
function rowBefore(
  { counted: { experiment } }: StepTools,
  planned: PlannedRow,
): PlannedRow | undefined {
  const target = targetsUpTo(experiment, planned).at(-2);
  return target === undefined ? undefined : { ...planned, target };
}

/** The MACs that a row's search adds to the search of the target before. */
function searchCost(tools: StepTools, planned: PlannedRow): number {
  const { counted, identity: { experiment } } = tools;
  const { search } = experiment;
  const budgets = targetsUpTo(experiment, planned)
    .map((target) => search.batch * counted.budget(target));
  const net = counted.searchedNet;
  const costOf = (budgets: readonly number[]) =>
    budgets.length === 0
      ? 0
      : planned.method.searchCost?.({ net, search, budgets }) ?? 0;
  return costOf(budgets) - costOf(budgets.slice(0, -1));
}

/** The bytes that a row's search holds. */
export function memoryOf(
  { memory }: StepTools,
  { method: { searches } }: PlannedRow,
): number {
  return searches === "by gradient" ? memory.gradient : memory.searching;
}

/** The step of a part of a search, after the calibration. */
export function searchStep<Value>(
  tools: StepTools,
  { name, reads, before = [], make, ...estimates }: SearchPart & {
    readonly cost: number;
    readonly memory: number;
    /** The parts that this part reads. */
    readonly before?: readonly Step[];
    make(place: SearchPlace, report: Report): Promise<Value>;
  },
): Step<Value> {
  const { store, identity, blockTimes } = tools;
  const search: Step<Value> = step({
    kind: "search",
    name,
    reads: { ...searchReads(identity), name, reads },
    after: [
      ...before,
      ...tools.calibration,
      ...blockTimes ? [blockTimes] : [],
    ],
    ...estimates,
    async make(report) {
      const checkpoint = await store.checkpoint(search);
      const note: SearchPlace["note"] = (iteration, values) =>
        noteIteration(checkpoint, iteration, values);
      return await make({ checkpoint, note }, report);
    },
  });
  return search;
}

/** The value of a part: fits the row up to the part, and reads the parts before it. */
async function partOf(
  tools: StepTools,
  planned: PlannedRow,
  { part, place, report }: {
    readonly part: SearchPart;
    readonly place: SearchPlace;
    readonly report: Report;
  },
): Promise<unknown> {
  const known = new Map(
    searchSteps(tools, planned).parts.map((each) => [each.name, each]),
  );
  try {
    const fitted = await fitPlanned(tools, planned, {
      report,
      async once({ name }, make) {
        if (name === part.name) throw new PartMade(await make(place));
        return await tools.store.read(known.get(name)!);
      },
    });
    if (fitted.kind === "none") return null; // no row with this part reads it
  } catch (thrown) {
    if (thrown instanceof PartMade) return thrown.value;
    throw thrown;
  }
  throw new Error(
    `Cannot make ${part.name}: the fit of ${planned.method.name} did not ask for it`,
  );
}

/** Fits a row on the calibration that its steps made. */
export async function fitPlanned(
  tools: StepTools,
  planned: PlannedRow,
  { report, share, once }: {
    readonly report: Report;
    /** The share of {@linkcode fitRow}. */
    readonly share?: number;
    readonly once: (
      part: SearchPart,
      make: (place: SearchPlace) => Promise<unknown>,
    ) => Promise<unknown>;
  },
): Promise<FittedPlan> {
  return await fitRow(await tools.bench(), planned, {
    progress: report,
    once: once as Parameters<typeof fitRow>[2]["once"],
    calibration: () => calibrationOf(tools),
  }, share);
}
