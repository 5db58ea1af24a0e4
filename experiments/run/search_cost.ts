/** What searches cost in model calls, by their settings; the bench prices blocks by MACs, total convention. */
import { denseCost } from "@dip-go/supernet/gates";
import { methodOf } from "@dip-go/pruner/methods";
import { targetsOf } from "./target.ts";
import type { Bench } from "./bench.ts";

/**
 * Cost of each method's search for all budgets of the experiment, its pictures'
 * own sampling included, in pictures by the full sampler, and the different
 * pictures that it sees. 0 where nothing is searched.
 */
export function searchEffort(
  bench: Bench,
): (method: string) => { searchPasses: number; searchPictures: number } {
  const { search, methods, sampler: { steps } } = bench.experiment;
  const { batch: images, calibration } = search;
  const net = bench.superNet({ images, steps });
  const dense = denseCost(net);
  const budgets = targetsOf(bench.experiment)
    .map((target) => images * bench.budget(target));
  const searching = methods.map(methodOf).filter((each) => each.searches);
  const efforts = new Map(
    searching.map((method) => {
      const cost = method.searchCost?.({ net, search, budgets }) ?? 0;
      const own = method.pictures?.({ search });
      return [method.name, {
        searchPasses: images * cost / dense +
          (own === undefined ? images * calibration : 0),
        searchPictures: own ?? images * calibration,
      }];
    }),
  );
  return (method) =>
    efforts.get(method) ?? { searchPasses: 0, searchPictures: 0 };
}
