/** Cost of a training by gradient in model calls, in the unit of the SuperNet's costs: the measure of an equal-cost search without gradients. */
import { denseCost, type SuperNet } from "@dip-go/supernet/gates";
import type { NetworkSearchOptions } from "../search_settings.ts";

/** A block runs forward once, and its VJP graph runs it again and takes the gradient of its data, about as dear. */
const passes = 3;

/** Cost of one gradient of every gate: closed units run too, for their gates' sake. */
export function gradientCost(net: SuperNet): number {
  return passes * denseCost(net);
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
