/** Cost of a training by gradient in model calls, in the unit of the SuperNet's costs: the measure of an equal-cost search without gradients. */
import { denseCost, type SuperNet } from "@dip-go/supernet/gates";
import type { NetworkSearchOptions } from "../search_settings.ts";

/**
 * Passes of the full sampler that one gradient of every gate takes: `deno task
 * bench gradient` measures 4.2 to 4.5 of the embedded models and of a UNet. A
 * block runs forward, its VJP graph runs it again and takes the gradient of its
 * data.
 */
export const gradientPasses = 4.4;

/** Cost of one gradient of every gate: closed units run too, for their gates' sake. */
export function gradientCost(net: SuperNet): number {
  return gradientPasses * denseCost(net);
}

/** Cost of training DiP-GO's pruner network on a SuperNet's batch; the pruner network's own is left out. */
export function networkTrainingCost(
  net: SuperNet,
  { iterations, accumulate }: Pick<
    NetworkSearchOptions,
    "iterations" | "accumulate"
  >,
): number {
  return iterations * accumulate * gradientCost(net);
}
