/**
 * Key steps as the cheapest path through a sampler's steps, by dynamic programming
 * without calls of the network. Costs are errors of held predictions, or of
 * forecasts, which depend on the key before too (DPCache, arXiv 2602.22654).
 */
import type { PayloadMaker } from "@dip-go/supernet/gates";
import type { CalibrationBatch } from "../calibration.ts";
import { range, sum } from "../numbers.ts";

/** C[i][j][k]: the error of all forecasts between the keys j and k if key i comes before j; k = T is the end. */
export type PathCosts = readonly (readonly (readonly number[])[])[];

/**
 * The costs on recorded trajectories: the mean over batches of the summed absolute
 * errors. The key before i is not known, so that the step before i stands for it.
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
      costs[t + 1] = costs[t] + sum(errors) / batches.length;
    }
    return costs;
  };
  return range(steps).map((i) =>
    range(steps).map((j) => i < j ? between(i, j) : [])
  );
}

/** The error |f_t − Σ w f_key|₁. */
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
 * Finds the cheapest path.
 *
 * @param jump The cost of going on from keys to step k; k = T is the end.
 * @param options.start The first keys.
 * @param options.count The number of keys in all.
 * @param options.reads The number of last keys that `jump` reads, 1 or 2.
 */
function cheapest(
  jump: (keys: readonly number[], k: number) => number,
  { steps, start, count, reads }: {
    readonly steps: number;
    readonly start: readonly number[];
    readonly count: number;
    readonly reads: 1 | 2;
  },
): readonly number[] {
  let paths: Path[] = [{ cost: 0, keys: start }];
  while (paths[0].keys.length < count) {
    /** The cheapest paths, by the keys that `jump` reads. */
    const next = new Map<number, Path>();
    for (const path of paths) {
      const last = path.keys.at(-1)!;
      for (let k = last + 1; k < steps; k++) {
        const cost = path.cost + jump(path.keys, k);
        const read = reads === 1 ? k : last * steps + k;
        if (cost >= (next.get(read)?.cost ?? Infinity)) continue;
        next.set(read, { cost, keys: [...path.keys, k] });
      }
    }
    paths = [...next.values()];
  }
  const ends = paths.map(({ cost, keys }) => cost + jump(keys, steps));
  return paths[ends.indexOf(Math.min(...ends))].keys;
}

/**
 * The cheapest keys between which predictions are forecast.
 *
 * @param options.count The number of keys, at least `forced`.
 * @param options.forced The number of first steps among the keys, 2 or more.
 */
export const cheapestKeys = (
  costs: PathCosts,
  { count, forced }: { readonly count: number; readonly forced: number },
): readonly number[] =>
  cheapest((keys, k) => costs[keys.at(-2)!][keys.at(-1)!][k], {
    steps: costs.length,
    start: range(forced),
    count,
    reads: 2,
  });

/**
 * The steps from which the cheapest path 0 → … → T of k jumps leaves.
 *
 * @param costs The cost of each jump, `[T][T + 1]`.
 * @param growth The factor by which each jump counts more than the one before.
 */
export const cheapestPath = (
  costs: readonly (readonly number[])[],
  k: number,
  growth = 1,
): readonly number[] =>
  cheapest(
    (keys, next) => growth ** (keys.length - 1) * costs[keys.at(-1)!][next],
    {
      steps: costs.length,
      start: [0],
      count: k,
      reads: 1,
    },
  );
