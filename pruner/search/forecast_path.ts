/**
 * Key steps between which predictions are forecast: the cheapest path under
 * costs that know the key before, which a forecast reads (DPCache, arXiv
 * 2602.22654). No call of the network.
 */
import type { PayloadMaker } from "@dip-go/supernet/gates";
import type { CalibrationBatch } from "../calibration.ts";

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
