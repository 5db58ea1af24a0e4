/** What gates cost: γ of DiP-GO's sparsity loss, and trainings by their gradients in model calls, the measure of an equal-cost search without. */
import {
  denseCost,
  denseGates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { NetworkSearchOptions } from "../search_settings.ts";

/**
 * Share of one model call's cost that closing each unit alone saves, its cascade
 * included, in [0, 1]; `[N]`. The whole step's is 1.
 */
export function gateCosts(net: SuperNet): number[] {
  const gates = new OpenGates(net, denseGates(net.steps, net.units.length));
  const all = gates.cost;
  const last = net.steps - 1;
  return net.units.map((_, n) => {
    gates.set(last, n, false);
    const saved = all - gates.cost;
    gates.set(last, n, true);
    return saved / (all / net.steps);
  });
}

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
  { iterations, accumulate }: NetworkSearchOptions,
): number {
  return iterations * accumulate * gradientCost(net);
}
