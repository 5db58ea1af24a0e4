/**
 * Guidance stops: from a step on, the conditional half alone is evaluated. Most
 * of T-GATE's (arXiv 2404.02747) saving comes from it, so it is a method by itself.
 */
import type { Payloads, SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { type Method, noPlan, planned } from "../../method.ts";
import { range } from "../../numbers.ts";
import { unguided } from "../../refusals.ts";
import { uniformSteps, wholeStepGates } from "../../search/whole_steps.ts";

/**
 * The halves of a plan and their payload: if the conditional half runs alone, its
 * output is the unconditional output too.
 *
 * @param alone Whether the conditional half runs alone, for each step.
 * @param computes Whether a step computes the prediction; all do by default.
 */
export const withoutGuidance = (
  alone: readonly boolean[],
  computes: (step: number) => boolean = () => true,
): Required<Pick<SubNetPlan, "halves">> & { readonly payloads: Payloads } => ({
  halves: alone.map((each) => each ? "conditional" : "both"),
  payloads: {
    unconditional: {
      held: "residual",
      coefficients: alone.map((each, t) => each && computes(t) ? [0] : []),
    },
  },
});

/** The earliest stop, as a part of all steps: T-GATE's, 10 of 25. */
const earliest = 0.4;

/**
 * Makes the plan.
 *
 * @param options.keys The steps that compute; predictions are held in between.
 * @param options.stop The first step without guidance, 1 or later.
 */
export function unguidedPlan(
  net: SuperNet,
  { keys, stop }: { readonly keys: readonly number[]; readonly stop: number },
): SubNetPlan {
  const gates = wholeStepGates(net, keys);
  const alone = gates.map((_, t) => t >= stop);
  return { gates, ...withoutGuidance(alone, (t) => keys.includes(t)) };
}

/** Takes as many evenly spaced steps as fit with the earliest stop, then as late a stop as fits. */
export const guidanceStops: Method = {
  name: "guidance-stops",
  searches: false,
  refusal: unguided,
  fit({ net }, maxCost) {
    const { steps } = net;
    const planAt = (count: number, stop: number) =>
      unguidedPlan(net, { keys: uniformSteps(count, steps), stop });
    const fits = (plan: SubNetPlan) => planCost(net, plan) <= maxCost;
    const descending = range(steps).map((t) => t + 1).reverse();
    const first = Math.max(1, Math.round(earliest * steps));
    const count = descending.find((count) => fits(planAt(count, first)));
    if (count === undefined) return noPlan("one step exceeds the budget");
    const stop = descending.find((stop) => fits(planAt(count, stop)))!;
    return planned(planAt(count, stop));
  },
};
