/** Depths of a network: calls that compute its first blocks, or a UNet's last ones, and hold the others. */
import {
  type Gate,
  type PartialCall,
  partialCall,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { sum } from "../numbers.ts";
import { addsToStreams, blockAt } from "../units.ts";

/**
 * The depths of a network, ascending. If blocks add to a residual stream, a depth
 * computes the first ones, and the others yield held residuals. Blocks of a UNet
 * hold their outputs; a depth computes the last ones on the held output of the block
 * before, with the skip connections that they read (DeepCache).
 */
export function depthsOf(
  net: SuperNet,
): { readonly name: string; readonly call: PartialCall }[] {
  const blocks = net.units.slice(0, -1);
  if (!addsToStreams(net)) return lastBlocks(net, blocks).reverse();
  return blocks.map((_, count) => {
    const isOpen = (n: number) => n < count || n === blocks.length;
    const gates = net.units.map((_, n): Gate => isOpen(n) ? 1 : 0);
    const name = `first ${count} of ${blocks.length}`;
    return { name, call: partialCall(net, gates) };
  });
}

/** The depths after each held block, if the cut saves more than that block alone. */
const lastBlocks = (net: SuperNet, blocks: readonly string[]) =>
  blocks.slice(0, -1).flatMap((block, cut) => {
    const gates = net.units.map((_, n): Gate => n === cut ? 0 : 1);
    const call = partialCall(net, gates);
    const own = net.macs[blockAt(net, block)];
    if (call.share > 1 - own / sum(net.macs) - 1e-9) return [];
    return [{ name: `from ${blocks[cut + 1]}`, call }];
  });
