/** The steps that search, a part of a search each, which the rows and runs that need it share. */
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

/** The part's value, as a fit asks for it: everything after it is left undone. */
class PartMade {
  constructor(readonly value: unknown) {}
}

/** The parts of a row's search that are known before it runs, each after those before it and the calibration; none where its budget is of time, which is measured first. */
export function searchSteps(
  tools: StepTools,
  planned: PlannedRow,
): Step<unknown>[] {
  const { counted, identity: { experiment } } = tools;
  const { method, target } = planned;
  if (!method.parts || tools.blockTimes) return [];
  const { search } = experiment;
  const parts = method.parts({
    net: searchedNet(tools),
    search,
    sparsity: targetsUpTo(experiment, planned)
      .map((each) => counted.sparsityOf(each)),
    maxCost: search.batch * counted.budget(target),
  });
  const earlier = rowBefore(tools, planned);
  const known = earlier ? searchSteps(tools, earlier) : [];
  const cost = searchCost(tools, planned) / (1 + parts.length - known.length);
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
  return steps;
}

const searchedNet = ({ counted: bench }: StepTools) => {
  const { search: { batch: images }, sampler: { steps } } = bench.experiment;
  return bench.superNet({ images, steps });
};

/** The row of the same method at the target before. */
function rowBefore(
  { counted: { experiment } }: StepTools,
  planned: PlannedRow,
): PlannedRow | undefined {
  const target = targetsUpTo(experiment, planned).at(-2);
  return target === undefined ? undefined : { ...planned, target };
}

/** What a row's search adds to that of the target before, MACs. */
export function searchCost(tools: StepTools, planned: PlannedRow): number {
  const { counted, identity: { experiment } } = tools;
  const { search } = experiment;
  const budgets = targetsUpTo(experiment, planned)
    .map((target) => search.batch * counted.budget(target));
  const net = searchedNet(tools);
  const costOf = (budgets: readonly number[]) =>
    budgets.length === 0
      ? 0
      : planned.method.searchCost?.({ net, search, budgets }) ?? 0;
  return costOf(budgets) - costOf(budgets.slice(0, -1));
}

/** What a row's search holds. */
export const memoryOf = (
  { memory }: StepTools,
  { method: { searches } }: PlannedRow,
): number => searches === "by gradient" ? memory.gradient : memory.searching;

/** A part of a search: a step after the calibration. */
export function searchStep<Value>(
  tools: StepTools,
  { name, reads, before = [], make, ...estimates }: SearchPart & {
    readonly cost: number;
    readonly memory: number;
    /** Parts that it reads. */
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

/** Fits the row up to the part, the parts before it read. */
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
    searchSteps(tools, planned).map((each) => [each.name, each]),
  );
  try {
    await fitPlanned(tools, planned, {
      report,
      async once({ name }, make) {
        if (name === part.name) throw new PartMade(await make(place));
        return await tools.store.read(known.get(name)!);
      },
    });
  } catch (thrown) {
    if (thrown instanceof PartMade) return thrown.value;
    throw thrown;
  }
  throw new Error(
    `Cannot make ${part.name}: the fit of ${planned.method.name} did not ask for it`,
  );
}

/** Fits a row on the calibration that was made. */
export async function fitPlanned(
  tools: StepTools,
  planned: PlannedRow,
  { report, share, once }: {
    readonly report: Report;
    /** As {@linkcode fitRow} takes it. */
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
    calibration: () => calibrationOf(tools, tools.calibration),
  }, share);
}
