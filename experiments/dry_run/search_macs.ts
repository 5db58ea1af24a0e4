/** What each search costs, in MACs (total convention) of its model calls; the bench prices blocks by these. */
import { denseCost } from "@dip-go/supernet/gates";
import { methodNamed } from "@dip-go/pruner/methods";
import type { Bench } from "../run/bench.ts";

/** MACs of all searches of an experiment, the full sampler on their calibration batches among them. */
export function searchMacs(bench: Bench): number {
  const { search, methods, sparsity, sampler: { steps } } = bench.experiment;
  const searching = methods.map(methodNamed).filter((each) => each.searches);
  if (searching.length === 0) return 0;
  const { batch: images, calibration } = search;
  const net = bench.superNet({ images, steps });
  const budgets = sparsity.map((s) => images * bench.budget(s));
  const searches = searching.map((method) =>
    method.searchCost?.({ net, search, budgets }) ?? 0
  );
  return calibration * denseCost(net) + searches.reduce((a, b) => a + b);
}
