/**
 * DPCache (Cui et al., "Denoising as Path Planning: Training-Free Acceleration
 * of Diffusion Models with DPCache", arXiv 2602.22654): predictions between key
 * steps are forecast by a Taylor series. Which steps are keys follows from
 * recorded trajectories alone: they are the cheapest path, found by dynamic
 * programming, under costs that know the key before, which the forecast reads.
 */
import { type PayloadMaker, taylor } from "@dip-go/supernet/gates";
import type { CalibrationBatch } from "../../calibration.ts";
import { type Method, planned, type SearchPart } from "../../method.ts";
import { callsWithin } from "../../search/whole_steps.ts";
import { taylorPlan } from "../caches/taylor_seer.ts";

/** C[i][j][k]: the error of all forecasts between the keys j and k, the key before being i; k = T is the end. */
export type PathCosts = readonly (readonly (readonly number[])[])[];

/**
 * The costs on recorded trajectories: mean over batches of the summed absolute
 * errors. Which key comes before i is not known: the step before i stands for it.
 */
export function pathCosts(
  batches: readonly Pick<CalibrationBatch, "predictions">[],
  make: PayloadMaker,
): PathCosts {
  const steps = batches[0].predictions.length;
  const between = (i: number, j: number) => {
    const keys = i === 0 ? [j, i] : [j, i, i - 1];
    const costs = Array<number>(steps + 1).fill(0);
    for (let t = j + 1; t < steps; t++) {
      const weights = make(keys.map((key) => t - key));
      const errors = batches.map(({ predictions }) =>
        forecastError(predictions, { t, keys, weights })
      );
      costs[t + 1] = costs[t] +
        errors.reduce((a, b) => a + b) / batches.length;
    }
    return costs;
  };
  return Array.from(
    { length: steps },
    (_, i) =>
      Array.from({ length: steps }, (_, j) => i < j ? between(i, j) : []),
  );
}

/** |f_t − Σ w f_key|₁. */
function forecastError(
  predictions: readonly Float32Array[],
  { t, keys, weights }: {
    readonly t: number;
    readonly keys: readonly number[];
    readonly weights: readonly number[];
  },
): number {
  let sum = 0;
  for (let e = 0; e < predictions[t].length; e++) {
    let rest = predictions[t][e];
    weights.forEach((weight, n) => rest -= weight * predictions[keys[n]][e]);
    sum += Math.abs(rest);
  }
  return sum;
}

interface Path {
  readonly cost: number;
  readonly keys: readonly number[];
}

/**
 * The cheapest keys.
 *
 * @param options.count How many, `forced` at least.
 * @param options.forced How many of the first steps are among them, 2 or more.
 */
export function cheapestKeys(
  costs: PathCosts,
  { count, forced }: { readonly count: number; readonly forced: number },
): readonly number[] {
  const steps = costs.length;
  const jump = ({ cost, keys }: Path, k: number) =>
    cost + costs[keys.at(-2)!][keys.at(-1)!][k];
  /** Of each last two keys the cheapest. */
  const keys = Array.from({ length: forced }, (_, t) => t);
  let paths: Path[] = [{ cost: 0, keys }];
  while (paths[0].keys.length < count) {
    const next = new Map<number, Path>();
    for (const path of paths) {
      const last = path.keys.at(-1)!;
      for (let k = last + 1; k < steps; k++) {
        const cost = jump(path, k);
        const pair = last * steps + k;
        if (cost >= (next.get(pair)?.cost ?? Infinity)) continue;
        next.set(pair, { cost, keys: [...path.keys, k] });
      }
    }
    paths = [...next.values()];
  }
  const ends = paths.map((path) => jump(path, steps));
  return paths[ends.indexOf(Math.min(...ends))].keys;
}

/** The costs serve every budget. */
const costsPart = (order: number): SearchPart => ({
  name: "dpcache-costs",
  reads: { order },
});

/** As many keys as the budget pays for. */
export const dpCache: Method = {
  name: "dpcache",
  settings: ["dpCache"],
  searches: "by samples",
  reads: ({ search: { dpCache } }) => ({ dpCache }),
  parts: ({ search: { dpCache: { order } } }) => [costsPart(order)],
  async fit({ net, search: { dpCache }, ...context }, maxCost) {
    const { order, forced } = dpCache;
    const count = callsWithin(net, maxCost);
    if (count < forced) {
      return {
        kind: "none",
        note:
          `the budget pays for ${count} steps, the first ${forced} are forced`,
      };
    }
    const { name, reads } = costsPart(order);
    const costs = await context.once(
      name,
      async () => pathCosts(await context.calibration(), taylor(order)),
      reads,
    );
    const keys = cheapestKeys(costs, { count, forced });
    return planned(taylorPlan(net, { keys, forecast: "model", order }));
  },
};
