/** Plans that meet a budget of time: what their pieces' times foretell is corrected by what they then take. */

/** How often plans are fitted again, and the part of a budget by which they may miss it. */
const corrected = { times: 2, within: 0.03 };

/** How plans for budgets are made; all times in milliseconds. */
export interface TimedFits<Plan> {
  /** The least and the most that a plan is fitted to. */
  readonly range: readonly [number, number];
  /** Plans by what their pieces foretell, one a budget; none where nothing fits. */
  fit(budgets: readonly number[]): Promise<(Plan | undefined)[]>;
  /** What a plan's pieces foretell. */
  foretold(plan: Plan): number;
  /** What plans take, in turns. */
  measure(plans: readonly Plan[]): Promise<number[]>;
}

/** A plan and what it took. */
interface Timed<Plan> {
  readonly plan: Plan;
  readonly taken: number;
}

/**
 * Measures plans, and fits again to budgets scaled by the error of the forecast,
 * until every plan meets its budget or nothing changes.
 *
 * @param budgets In descending order.
 * @param first What was fitted to them.
 * @returns Of each budget's plans, the slowest that meets it, or else the fastest.
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
    asked = next.map((ms, i) => Math.min(ms, ...next.slice(0, i)));
    plans = await fit(asked);
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
