/** The cost of any plan; a learned solver costs whole calls, the conditional half alone a share of one. */
import { sizeOf } from "@dip-go/core/tensor";
import {
  denseCost,
  denseMacs,
  subNetCost,
  subNetMacs,
} from "../gates/liveness.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { type Solver, weightsOf } from "./solver.ts";

/** The cost of a solver's evaluations, in calls of the whole network. @param share The conditional half's cost. */
function callsIn({ evaluations }: Solver, share = 0.5): number {
  const { both = [], conditional = [] } = Object.groupBy(
    evaluations,
    ({ halves }) => halves,
  );
  // A product is rounded once, a sum of shares at each addition: it may exceed a budget that is spent exactly.
  return both.length + share * conditional.length;
}

/** MACs of a solver's combinations: one for each element and weight. */
function combinationMacs(
  { model: { inputs: [{ shape }] } }: SuperNet,
  { evaluations, latents }: Solver,
): number {
  const guided = evaluations.some(({ halves }, k) =>
    halves === "conditional" || latents.outputs[k].length === 2
  );
  const weights = [...evaluations, latents].flatMap(weightsOf).length;
  return weights * sizeOf(shape) / (guided ? 2 : 1);
}

/** MACs (total convention) of a plan over all T steps. */
export const planMacs = (
  net: SuperNet,
  { gates, solver, ...fillings }: SubNetPlan,
): number =>
  solver
    ? callsIn(solver) * denseMacs(net) / net.steps +
      combinationMacs(net, solver)
    : subNetMacs(net, gates, fillings);

/** The cost of a plan over all T steps, in the unit of the SuperNet's costs; combinations are free. */
export const planCost = (
  net: SuperNet,
  { gates, solver, ...fillings }: SubNetPlan,
): number =>
  solver
    ? callsIn(solver, net.conditionalShare) * denseCost(net) / net.steps
    : subNetCost(net, gates, fillings);
