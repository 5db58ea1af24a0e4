/**
 * The strongest baseline of whole-step reuse: the best k of T steps at which to
 * call the model. The first candidates are the best path over recorded
 * trajectories, found by dynamic programming without a model call (as GITS,
 * arXiv 2405.11326, finds its timesteps), and even spacing; moves that are
 * judged on true samples improve the better one.
 */
import type { Gates } from "@dip-go/supernet/gates";
import { type CalibrationBatch, fidelityTo } from "../calibration.ts";
import {
  type FitTask,
  type Method,
  type MethodContext,
  planned,
  type PricedSearch,
  type SearchPart,
} from "../method.ts";
import {
  callsWithin,
  cheapestPath,
  jumpCosts,
  uniformSteps,
  wholeStepGates,
} from "../search/whole_steps.ts";

/** Subsets with one computed step moved by up to two places, step 0 kept, nearest moves first. */
function* neighbours(
  computed: readonly number[],
  steps: number,
): Generator<number[]> {
  for (const distance of [1, -1, 2, -2]) {
    for (let i = 1; i < computed.length; i++) {
      const moved = computed[i] + distance;
      if (moved < 1 || moved >= steps || computed.includes(moved)) continue;
      yield computed.with(i, moved).sort((a, b) => a - b);
    }
  }
}

/**
 * The k steps at which the model is called, 0 among them, ascending.
 *
 * @param evaluate Distance of a subset's images from the full sampler's, which the search minimises; called `evaluations` times at most.
 */
export async function searchSubset(
  { batches, evaluate }: {
    batches: readonly CalibrationBatch[];
    evaluate: (computed: readonly number[]) => Promise<number>;
  },
  { k, evaluations }: { readonly k: number; readonly evaluations: number },
  onEvaluation: (done: number, least: number) => void = () => {},
): Promise<number[]> {
  const steps = batches[0].sampler.steps.length;
  const tried = new Set<string>();
  let best: readonly number[] = [];
  let least = Infinity;
  /** Whether a subset that was not tried before is the best so far. */
  const improves = async (candidate: readonly number[]): Promise<boolean> => {
    const key = candidate.join();
    if (tried.has(key) || tried.size >= evaluations) return false;
    tried.add(key);
    const error = await evaluate(candidate);
    const isBest = error < least;
    if (isBest) [best, least] = [candidate, error];
    onEvaluation(tried.size, least);
    return isBest;
  };
  await improves(cheapestPath(jumpCosts(batches), k));
  await improves(uniformSteps(k, steps));
  for (let improved = true; improved;) {
    improved = false;
    for (const candidate of neighbours(best, steps)) {
      improved = await improves(candidate);
      if (improved) break;
    }
  }
  return [...best];
}

/** The search for the best k of T steps. */
export const subsetParts = (
  { search: { subset }, net, maxCost }: Omit<FitTask, "sparsity">,
): SearchPart[] => [
  { name: `subset-${callsWithin(net, maxCost)}`, reads: subset },
];

/** Whole-step gates of the best k of T steps that a search finds. */
export async function subsetGates(
  { runner, net, search, ...context }: MethodContext,
  maxCost: number,
): Promise<Gates> {
  const { subset } = search;
  const batches = await context.calibration();
  const k = callsWithin(net, maxCost);
  const [{ name, reads }] = subsetParts({ net, search, maxCost });
  const evaluate = async (computed: readonly number[]) => {
    const gates = wholeStepGates(net, computed);
    const found = await runner.sample({ ...batches[0], gates });
    return -fidelityTo(batches[0], found);
  };
  const computed = await context.once(
    name,
    () =>
      searchSubset(
        { batches, evaluate },
        { k, ...subset },
        (done, loss) => context.progress(done, subset.evaluations, { loss }),
      ),
    reads,
  );
  return wholeStepGates(net, computed);
}

/** Cost of a subset search: it samples one batch a try. */
export const subsetCost = ({ search, budgets }: PricedSearch): number =>
  search.subset.evaluations * budgets.reduce((a, b) => a + b, 0);

/** The best k of T steps, predictions held in between. */
export const searchedSubset: Method = {
  name: "searched-subset",
  settings: ["subset"],
  searches: "by samples",
  reads: ({ search: { subset } }) => ({ subset }),
  parts: subsetParts,
  searchCost: subsetCost,
  fit: async (context, maxCost) =>
    planned({ gates: await subsetGates(context, maxCost) }),
};
