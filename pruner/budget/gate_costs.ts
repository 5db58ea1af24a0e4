/** γ of DiP-GO's sparsity loss: the share of a budget that closing a gate saves, its cascade included. */
import { denseGates, OpenGates, type SuperNet } from "@dip-go/supernet/gates";

/**
 * Share of one model call's cost that closing each unit alone saves, in [0, 1]; `[N]`.
 * The whole step's is 1.
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
