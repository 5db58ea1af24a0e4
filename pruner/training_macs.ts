/** What a training by gradient costs, in the MACs of its model calls: the measure of an equal-cost search without gradients. */
import { denseMacs } from "../supernet/liveness.ts";
import type { SuperNet } from "../supernet/super_net.ts";
import type { NetworkSearchOptions } from "./network_search.ts";

/** A block runs forward once, and its VJP graph runs it again and takes the gradient of its data, about as dear. */
const passes = 3;

/** MACs (total convention) of one gradient of every gate: closed units run too, for their gates' sake. */
export function gradientMacs(net: SuperNet): number {
  return passes * denseMacs(net);
}

/** MACs (total convention) of training DiP-GO's pruner network on a SuperNet's batch; the pruner network's own are left out. */
export function networkTrainingMacs(
  net: SuperNet,
  { iterations, accumulate }: Pick<
    NetworkSearchOptions,
    "iterations" | "accumulate"
  >,
): number {
  return iterations * accumulate * gradientMacs(net);
}
