/**
 * Guidance stops: from a step on, the conditional half alone is evaluated. Most
 * of what T-GATE (arXiv 2404.02747) saves is that, so it is a row by itself.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { type Method, planned } from "../../method.ts";
import { uniformSteps, wholeStepGates } from "../../search/whole_steps.ts";

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
  return {
    gates,
    halves: gates.map((_, t) => t < stop ? "both" : "conditional"),
    payloads: {
      unconditional: {
        held: "residual",
        coefficients: gates.map((_, t) =>
          t >= stop && keys.includes(t) ? [0] : []
        ),
      },
    },
  };
}

/** All plans, the dearest first: every step with an ever earlier stop, then the earliest stop with fewer steps, evenly spaced. */
function* plans(net: SuperNet): Generator<SubNetPlan> {
  const { steps } = net;
  const first = Math.max(1, Math.round(earliest * steps));
  for (let stop = steps; stop > first; stop--) {
    yield unguidedPlan(net, { keys: uniformSteps(steps, steps), stop });
  }
  for (let k = steps; k > 0; k--) {
    yield unguidedPlan(net, { keys: uniformSteps(k, steps), stop: first });
  }
}

/** Stops as late as the budget allows. */
export const guidanceStops: Method = {
  name: "guidance-stops",
  searches: false,
  fit({ net }, maxCost) {
    if (!net.conditional) {
      return { kind: "none", note: "its sampler has no guidance to stop" };
    }
    const plan = plans(net).find((plan) => planCost(net, plan) <= maxCost);
    return plan
      ? planned(plan)
      : { kind: "none", note: "one step exceeds the budget" };
  },
};
