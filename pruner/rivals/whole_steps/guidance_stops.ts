/**
 * Guidance stops: from a step on, the conditional half alone is evaluated. Most
 * of what T-GATE (arXiv 2404.02747) saves is that, so it is a row by itself.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { type Method, planned } from "../../method.ts";
import { unguided } from "../../refusals.ts";
import { uniformSteps, wholeStepGates } from "../../search/whole_steps.ts";
import { withoutGuidance } from "./without_guidance.ts";

/** The earliest stop, as a part of all steps: T-GATE's, 10 of 25. */
const earliest = 0.4;

/**
 * The plan.
 *
 * @param options.keys Steps that compute; predictions are held in between.
 * @param options.stop The first step without guidance, 1 or later.
 */
export function unguidedPlan(
  net: SuperNet,
  { keys, stop }: { readonly keys: readonly number[]; readonly stop: number },
): SubNetPlan {
  const gates = wholeStepGates(net, keys);
  const alone = gates.map((_, t) => t >= stop);
  return {
    gates,
    ...withoutGuidance(alone, (t) => keys.includes(t)),
  };
}

/** As many steps as fit with the earliest stop, evenly spaced, then as late a stop as fits. */
export const guidanceStops: Method = {
  name: "guidance-stops",
  searches: false,
  refusal: unguided,
  fit({ net }, maxCost) {
    const { steps } = net;
    const planAt = (count: number, stop: number) =>
      unguidedPlan(net, { keys: uniformSteps(count, steps), stop });
    const fits = (plan: SubNetPlan) => planCost(net, plan) <= maxCost;
    const descending = Array.from({ length: steps }, (_, i) => steps - i);
    const first = Math.max(1, Math.round(earliest * steps));
    const count = descending.find((count) => fits(planAt(count, first)));
    if (count === undefined) {
      return { kind: "none", note: "one step exceeds the budget" };
    }
    const stop = descending.find((stop) => fits(planAt(count, stop)))!;
    return planned(planAt(count, stop));
  },
};
