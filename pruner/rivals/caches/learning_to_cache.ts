/**
 * Learning-to-Cache (Ma et al., "Learning-to-Cache: Accelerating Diffusion
 * Transformer via Layer Caching", arXiv 2406.01733): every second call may take
 * layers from the call before it; which ones is learned, one router a call.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { heldPlan, runsOf } from "./held_plan.ts";

/**
 * The plan, on units of single layers.
 *
 * @param computes Of the calls 1, 3, 5, …: whether each unit is computed, in execution order.
 */
export const routedPlan = (
  net: SuperNet,
  computes: readonly (readonly boolean[])[],
): SubNetPlan =>
  heldPlan(net, (unit) => {
    const own = net.units.indexOf(unit);
    return unit === net.model.output
      ? undefined
      : runsOf(net, (t) => t % 2 === 0 || computes[(t - 1) / 2][own]);
  }, { held: "branch" });
