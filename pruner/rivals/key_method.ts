/** Methods without a search: key steps by a rule, as dense as the budget allows. */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { type Method, noPlan, planned } from "../method.ts";
import { range } from "../numbers.ts";

/** Every N-th of T steps, from 0. */
export function uniformKeys(interval: number, steps: number): number[] {
  return range(steps).filter((t) => t % interval === 0);
}

export interface KeyRule extends Pick<Method, "refusal"> {
  /** The i-th choice among T steps, i from 1, the dearest choice first; each has step 0. */
  keys(i: number, steps: number): readonly number[];
  /** The plan that a choice of keys gives. */
  plan(net: SuperNet, keys: readonly number[]): SubNetPlan;
}

/**
 * Makes the method that takes the first choice of keys that fits, and fills what is
 * left of the budget with further keys, each in the middle of the longest gap.
 */
export const keyMethod = (
  name: string,
  { keys, plan, ...rule }: KeyRule,
): Method => ({
  ...rule,
  name,
  searches: false,
  fit({ net }, maxCost) {
    const fits = (chosen: readonly number[]) =>
      planCost(net, plan(net, chosen)) <= maxCost;
    for (let i = 1; i <= net.steps; i++) {
      let chosen = keys(i, net.steps);
      if (!fits(chosen)) continue;
      for (let next = filled(chosen, net.steps); next && fits(next);) {
        chosen = next;
        next = filled(chosen, net.steps);
      }
      return planned(plan(net, chosen));
    }
    return noPlan("no choice of its parameter fits the budget");
  },
});

/** The keys and one more, in the middle of the longest gap; undefined if every step is a key. */
function filled(
  keys: readonly number[],
  steps: number,
): readonly number[] | undefined {
  const ends = [...keys.slice(1), steps];
  const gaps = keys.map((key, i) => ends[i] - key);
  const longest = Math.max(...gaps);
  if (longest < 2) return undefined;
  const i = gaps.indexOf(longest);
  const middle = keys[i] + Math.floor(longest / 2);
  return keys.toSpliced(i + 1, 0, middle);
}
