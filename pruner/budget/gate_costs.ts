/** γ of DiP-GO's sparsity loss: the share of a budget that closing a gate saves, its cascade included. */
import { denseGates, subNetCost, type SuperNet } from "@dip-go/supernet/gates";

/**
 * Share of one model call's cost that closing each unit alone saves, in [0, 1]; `[N]`.
 * The whole step's is 1.
 */
export function gateCosts(net: SuperNet): number[] {
  const dense = denseGates(net.steps, net.units.length);
  const all = subNetCost(net, dense);
  const last = net.steps - 1;
  return net.units.map((_, n) => {
    const closed = dense.with(last, dense[last].with(n, 0));
    return (all - subNetCost(net, closed)) / (all / net.steps);
  });
}
