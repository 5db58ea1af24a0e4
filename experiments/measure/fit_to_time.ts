/** Fits plans to budgets of time: the forecast from pieces' times is corrected by the plans' measured times. */

/** The number of times that plans are fitted again, and the part of a budget by which they may miss it. */
const corrected = { times: 2, within: 0.03 };

/** The functions that fit and time plans; all times are in milliseconds. */
export interface TimedFits<Plan> {
  /** The least and the largest budget that a plan is fitted to. */
  readonly range: readonly [number, number];
  /** Fits a plan by the forecast to each of different budgets in descending order; undefined if no plan fits. */
  fit(budgets: readonly number[]): Promise<(Plan | undefined)[]>;
  /** The forecast of a plan's time, from the times of its pieces. */
  foretold(plan: Plan): number;
  /** Times plans in turns. */
  measure(plans: readonly Plan[]): Promise<number[]>;
}

/** A plan and its measured time. */
interface Timed<Plan> {
  readonly plan: Plan;
  readonly taken: number;
}

/**
 * Measures plans, and fits again to budgets scaled by the error of the forecast,
 * until every plan meets its budget or nothing changes.
 *
 * @param budgets In descending order.
 * @param first The plans that were fitted to the budgets.
 * @returns For each budget the slowest of its plans that meets it, or else the fastest.
 */
export async function fitToTime<Plan>(
  budgets: readonly number[],
  first: readonly (Plan | undefined)[],
  { range, fit, foretold, measure }: TimedFits<Plan>,
): Promise<(Plan | undefined)[]> {
  const found: (Timed<Plan> | undefined)[] = budgets.map(() => undefined);
  let asked = budgets;
  let plans = first;
  for (let round = 0;; round++) {
    const fitted = plans.filter((plan) => plan !== undefined);
    const times = await measure(fitted);
    const next = plans.map((plan, i) => {
      if (plan === undefined) return asked[i];
      const taken = times[fitted.indexOf(plan)];
      found[i] = closer(budgets[i], found[i], { plan, taken });
      const miss = taken / budgets[i] - 1;
      return Math.abs(miss) <= corrected.within
        ? asked[i]
        : within(range, budgets[i] * foretold(plan) / taken);
    });
    const isDone = next.every((ms, i) => ms === asked[i]);
    if (isDone || round === corrected.times) break;
    const lower = next.map((ms, i) => Math.min(ms, ...next.slice(0, i)));
    const different = [...new Set(lower)];
    const again = await fit(different);
    plans = lower.map((ms) => again[different.indexOf(ms)]);
    asked = lower;
  }
  return found.map((each) => each?.plan);
}

const within = ([least, most]: readonly [number, number], ms: number) =>
  Math.min(most, Math.max(least, ms));

function closer<Plan>(
  budget: number,
  a: Timed<Plan> | undefined,
  b: Timed<Plan>,
): Timed<Plan> {
  if (!a) return b;
  const most = budget * (1 + corrected.within);
  const [slower, faster] = a.taken > b.taken ? [a, b] : [b, a];
  return slower.taken <= most ? slower : faster;
}
