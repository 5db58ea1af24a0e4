/**
 * What a probe says of a budget. A plan calls the network at every r-th step,
 * whole at every i-th call and in part at the others; what it leaves out is
 * forecast. Its error is that of its steps' predictions in the mean: a partial
 * call's stays until the next call, a skipped step adds its own. Plans may be
 * mixed, so a budget's least error lies on the lower hull of theirs.
 */
import type { CallErrors, DepthProbe } from "./depth_probe.ts";

/** Fractions of the MACs that are kept; those that the longest gap reaches are judged. */
const budgets = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/** By how much a part's error has to be below that of whole steps, in dB. */
const leastGain = 0.5;

/** Errors by gap, from 1 on. */
type ByGap = readonly number[];

/** A plan's share of the MACs and its error. */
type Point = readonly [share: number, error: number];

/** What is worth computing at one budget. */
export interface BudgetVerdict {
  readonly kept: number;
  /** Mean squared error of whole steps over the prediction's square. */
  readonly steps: number;
  /** By how much the best depth's error is below it, in dB, and which depth that is. */
  readonly blocks: { readonly gain: number; readonly name: string };
  /** The same of conditional halves, where the sampler is guided. */
  readonly halves?: { readonly gain: number };
  readonly verdict: "steps" | "blocks" | "halves";
}

/** What a probe says. */
export type ProbeVerdict = readonly BudgetVerdict[];

/** Means over a probe's calls, by gap. */
function byGap(
  { calls }: DepthProbe,
  of: (errors: CallErrors) => number,
): number[] {
  const groups = Map.groupBy(calls, ({ gap }) => gap);
  return [...groups.keys()].sort((a, b) => a - b).map((gap) => {
    const own = groups.get(gap)!;
    return own.reduce((sum, call) => sum + of(call), 0) / own.length;
  });
}

/** Of each depth, and of the conditional half, the share of the free forecast's squared error that its call removes, by gap. */
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

/** Judges each budget. */
export function verdictOf(probe: DepthProbe): ProbeVerdict {
  const free = byGap(probe, (call) => call.free);
  const whole = wholePlans(free);
  const hullWith = (share: number, of: (errors: CallErrors) => number) =>
    lowerHull([...whole, ...partialPlans(free, share, byGap(probe, of))]);
  const steps = lowerHull(whole);
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

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Every r-th step whole, the others forecast. */
const wholePlans = (free: ByGap): Point[] =>
  Array.from({ length: free.length + 1 }, (_, skipped): Point => [
    1 / (skipped + 1),
    sum(free.slice(0, skipped)) / (skipped + 1),
  ]);

/** Every r-th step called, every i-th call whole and the others partial, as far as errors of their gaps are known. */
function partialPlans(free: ByGap, share: number, partial: ByGap): Point[] {
  const plans: Point[] = [];
  for (let r = 1; r <= free.length; r++) {
    for (let i = 2; (i - 1) * r <= free.length; i++) {
      const errors = Array.from(
        { length: i - 1 },
        (_, k) => r * partial[(k + 1) * r - 1],
      );
      const skipped = i * sum(free.slice(0, r - 1));
      plans.push([
        (1 + (i - 1) * share) / (r * i),
        (sum(errors) + skipped) / (r * i),
      ]);
    }
  }
  return plans;
}

/** The points of the lower convex hull, by their share. */
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

/** The hull's error at a share. */
function errorAt(hull: readonly Point[], share: number): number {
  const right = hull.findIndex(([x]) => x >= share);
  const [[x0, y0], [x1, y1]] = [hull[right - 1], hull[right]];
  return y0 + (y1 - y0) * (share - x0) / (x1 - x0);
}
