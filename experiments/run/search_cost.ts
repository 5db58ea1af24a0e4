/** What searches cost in model calls, by their settings; the bench prices blocks by MACs, total convention. */
import { denseCost } from "@dip-go/supernet/gates";
import { methodOf } from "@dip-go/pruner/methods";
import { targetsOf } from "./target.ts";
import type { Bench } from "./bench.ts";

/**
 * Cost of each method's search for all budgets of the experiment, calibration
 * included, in pictures by the full sampler, and the different pictures that it
 * sees. 0 where nothing is searched.
 */
export function searchEffort(
  bench: Bench,
): (method: string) => { searchPasses: number; searchPictures: number } {
  const { dense, costs } = searchCosts(bench);
  const { batch: images, calibration } = bench.experiment.search;
  return (method) => {
    const cost = costs.get(method);
    return cost === undefined ? { searchPasses: 0, searchPictures: 0 } : {
      searchPasses: images * (calibration + cost / dense),
      searchPictures: images * calibration,
    };
  };
}

/** Of the methods that search, at the search's batch; `dense` is one full sampling. */
function searchCosts(bench: Bench) {
  const { search, methods, sampler: { steps } } = bench.experiment;
  const { batch: images } = search;
  const net = bench.superNet({ images, steps });
  const budgets = targetsOf(bench.experiment)
    .map((target) => images * bench.budget(target));
  const searching = methods.map(methodOf).filter((each) => each.searches);
  const costs = new Map(
    searching.map((method) => [
      method.name,
      method.searchCost?.({ net, search, budgets }) ?? 0,
    ]),
  );
  return { dense: denseCost(net), costs };
}
