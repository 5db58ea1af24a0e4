/** Costs of gates (γ of DiP-GO's sparsity loss), and of trainings, by which searches of equal cost are measured. */
import {
  denseCost,
  denseGates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { NetworkSearchOptions } from "../search_settings.ts";

/**
 * The share of one model call's cost that closing each unit alone saves, its cascade
 * included, `[N]` in [0, 1]. The whole step's share is 1.
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
 * The cost of one gradient of every gate in passes of the full sampler: `deno task
 * bench gradient` measures 4.2 to 4.5 on the embedded models and on a UNet. A
 * block runs forward, its VJP graph runs it again and takes the gradient of its
 * data.
 */
export const gradientPasses = 4.4;

/** The cost of one gradient of every gate; closed units run too, since their gates' gradients need it. */
export function gradientCost(net: SuperNet): number {
  return gradientPasses * denseCost(net);
}

/** The cost of training DiP-GO's pruner network on a SuperNet's batch, without its own calls. */
export function networkTrainingCost(
  net: SuperNet,
  { iterations, accumulate }: NetworkSearchOptions,
): number {
  return iterations * accumulate * gradientCost(net);
}
