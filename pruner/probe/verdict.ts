/**
 * A probe's verdict at a budget. A plan calls the network at every r-th step, whole
 * at every i-th call and in part at the others, and forecasts the rest. Its error is
 * the mean error of its steps' predictions: a partial call's error stays until the
 * next call, and a skipped step adds its own. Plans may be mixed, so a budget's
 * least error lies on the lower convex hull of the plans.
 */
import { range, sum } from "../numbers.ts";
import type { CallErrors, DepthProbe } from "./depth_probe.ts";

/** The kept fractions of the MACs; only fractions that the longest gap reaches are judged. */
const budgets = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/** The least gain over whole steps, in dB, at which the verdict is blocks or halves. */
const leastGain = 0.5;

/** A number for each gap, from 1 on. */
type ByGap = readonly number[];

/** A plan's share of the MACs and its error. */
type Point = readonly [share: number, error: number];

export interface BudgetVerdict {
  readonly kept: number;
  /** The mean squared error of whole steps over the prediction's square. */
  readonly steps: number;
  /** The best depth, and its gain over whole steps in dB. */
  readonly blocks: { readonly gain: number; readonly name: string };
  /** The gain of conditional halves over whole steps in dB, if the sampler is guided. */
  readonly halves?: { readonly gain: number };
  readonly verdict: "steps" | "blocks" | "halves";
}

export type ProbeVerdict = readonly BudgetVerdict[];

/** Means over a probe's calls, by gap. */
function byGap(
  { calls }: DepthProbe,
  of: (errors: CallErrors) => number,
): number[] {
  const groups = Map.groupBy(calls, ({ gap }) => gap);
  return [...groups.keys()].sort((a, b) => a - b).map((gap) => {
    const own = groups.get(gap)!;
    return sum(own.map(of)) / own.length;
  });
}

/** The share of the free estimate's squared error that each depth, or the conditional half, removes, by gap. */
export function taughtShares(
  probe: DepthProbe,
): { readonly depths: readonly ByGap[]; readonly half?: ByGap } {
  const free = byGap(probe, (call) => call.free);
  const taught = (of: (errors: CallErrors) => number) =>
    byGap(probe, of).map((error, i) => 1 - error / free[i]);
  return {
    depths: probe.depths.map((_, d) => taught((call) => call.depths[d].best)),
    ...probe.calls[0].half === undefined
      ? {}
      : { half: taught((call) => call.half!) },
  };
}

export function verdictOf(probe: DepthProbe): ProbeVerdict {
  const free = byGap(probe, (call) => call.free);
  const hullWith = (share: number, of: (errors: CallErrors) => number) =>
    lowerHull(plans(free, { share, errors: byGap(probe, of) }));
  const steps = lowerHull(plans(free));
  const depths = probe.depths.map(({ name, share }, d) => ({
    name,
    hull: hullWith(share, (call) => call.depths[d].best),
  }));
  const half = probe.calls[0].half === undefined
    ? undefined
    : hullWith(0.5, (call) => call.half!);
  return budgets.filter((kept) => kept >= steps[0][0]).map((kept) => {
    const error = errorAt(steps, kept);
    const gainOf = (hull: readonly Point[]) =>
      10 * Math.log10(error / errorAt(hull, kept));
    const blocks = depths.map(({ name, hull }) => ({
      name,
      gain: gainOf(hull),
    }))
      .reduce((best, each) => each.gain > best.gain ? each : best);
    const halves = half && { gain: gainOf(half) };
    const most = Math.max(blocks.gain, halves?.gain ?? 0);
    return {
      kept,
      steps: error,
      blocks,
      ...halves && { halves },
      verdict: most < leastGain
        ? "steps"
        : most === blocks.gain
        ? "blocks"
        : "halves",
    };
  });
}

/** Plans that call every r-th step, all whole, or partial but for every i-th, as far as gaps have known errors. */
function plans(
  free: ByGap,
  { share, errors }: { readonly share: number; readonly errors: ByGap } = {
    share: 1,
    errors: [],
  },
): Point[] {
  const points: Point[] = [];
  for (let r = 1; r <= free.length + 1; r++) {
    const skipped = sum(free.slice(0, r - 1));
    for (let i = 1; i === 1 || (i - 1) * r <= errors.length; i++) {
      const calls = range(i - 1).map((k) => r * errors[(k + 1) * r - 1]);
      points.push([
        (1 + (i - 1) * share) / (r * i),
        (sum(calls) + i * skipped) / (r * i),
      ]);
    }
  }
  return points;
}

/** The points of the lower convex hull, by ascending share. */
function lowerHull(points: readonly Point[]): Point[] {
  const hull: Point[] = [];
  for (const [x, y] of points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const isAbove = ([x1, y1]: Point, [x0, y0]: Point) =>
      (x1 - x0) * (y - y0) <= (y1 - y0) * (x - x0);
    while (hull.length > 1 && isAbove(hull.at(-1)!, hull.at(-2)!)) hull.pop();
    hull.push([x, y]);
  }
  return hull;
}

/** The error at a share; beyond an end of the hull that end's. */
function errorAt(hull: readonly Point[], share: number): number {
  const right = hull.findIndex(([x]) => x >= share);
  if (right <= 0) return hull.at(right)![1];
  const [[x0, y0], [x1, y1]] = [hull[right - 1], hull[right]];
  return y0 + (y1 - y0) * (share - x0) / (x1 - x0);
}
