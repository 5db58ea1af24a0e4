/** What each search costs, in MACs (total convention) of its model calls; the bench prices blocks by these. */
import { denseCost, type SuperNet } from "@dip-go/supernet/gates";
import { gradientCost, networkTrainingCost } from "@dip-go/pruner/budget";
import type { Bench } from "../run/bench.ts";
import type { SearchSettings } from "../methods/method.ts";
import { evaluationsOf } from "../methods/round_methods.ts";

interface Search {
  readonly net: SuperNet;
  readonly search: SearchSettings;
  /** Of each target, over all steps at the search's batch. */
  readonly budgets: readonly number[];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The subset search samples one batch a try. */
const subset = ({ search, budgets }: Search) =>
  search.subset.evaluations * sum(budgets);

/** A gradient step on forecast scalars goes forward and back through what runs. */
const refine = ({ search, budgets }: Search) =>
  3 * search.refine.iterations * sum(budgets);

/** Measures on the way down, then a target at a time; a plan is judged on two batches, and a measurement of the gradient serves some tries. */
function energy({ net, search, budgets }: Search): number {
  const { approach, evaluations, tries } = search.energy;
  const gradients = approach + budgets.length * Math.ceil(evaluations / tries);
  return gradients * gradientCost(net) + 2 * evaluations * sum(budgets);
}

/** Each SubNet is sampled on every calibration batch. */
function rounds({ net, search, budgets }: Search): number {
  const { evolution, calibration } = search;
  if (!evolution) return 0;
  return sum(
    budgets.map((maxCost) =>
      evaluationsOf({ net, search, evolution }, maxCost) * calibration * maxCost
    ),
  );
}

const costs: Readonly<Record<string, (search: Search) => number>> = {
  "dip-go": ({ net, search }) => networkTrainingCost(net, search.network),
  "energy+forecast": (search) => energy(search) + refine(search),
  "searched-subset": subset,
  "searched-subset+forecast": (search) => subset(search) + refine(search),
  "random-search": rounds,
  genetic: rounds,
};

/** MACs of all searches of an experiment, the full sampler on their calibration batches among them. */
export function searchMacs(bench: Bench): number {
  const { search, methods, sparsity, sampler: { steps } } = bench.experiment;
  const searching = methods.filter((name) => Object.hasOwn(costs, name));
  if (searching.length === 0) return 0;
  const { batch: images, calibration } = search;
  const net = bench.superNet({ images, steps });
  const budgets = sparsity.map((s) => images * bench.budget(s));
  return calibration * denseCost(net) +
    sum(searching.map((name) => costs[name]({ net, search, budgets })));
}
