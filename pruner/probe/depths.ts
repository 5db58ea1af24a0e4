/** Depths of a network: calls that compute its first blocks, or of a UNet its last ones, and leave the rest to what was held. */
import {
  type Gate,
  type PartialCall,
  partialCall,
  type SuperNet,
} from "@dip-go/supernet/gates";

/** Which blocks are computed. */
export interface Depth {
  /** In words. */
  readonly name: string;
  /** Of the network's MACs. */
  readonly share: number;
}

/**
 * The depths of a network, ascending. Blocks that add to a residual stream can
 * be left out from any on: what they added is held. Blocks of a UNet hold their
 * outputs; the last ones are computed on what the block before them held, and
 * with them the skip connections that they read (DeepCache).
 */
export function depthsOf(
  net: SuperNet,
): (Depth & { readonly call: PartialCall })[] {
  const blocks = net.units.slice(0, -1);
  const adds = net.blocks.every(({ block }) => !block.gated || block.streams);
  if (!adds) return lastBlocks(net, blocks).reverse();
  return blocks.map((_, count) => {
    const call = partialCall(
      net,
      net.units.map((_, n): Gate => n < count || n === blocks.length ? 1 : 0),
    );
    const name = `first ${count} of ${blocks.length}`;
    return { name, share: call.share, call };
  });
}

/** Cuts that save more than the block before them. */
const lastBlocks = (net: SuperNet, blocks: readonly string[]) =>
  blocks.slice(0, -1).flatMap((block, cut) => {
    const call = partialCall(
      net,
      net.units.map((_, n): Gate => n === cut ? 0 : 1),
    );
    const own = net.macs[
      net.blocks.findIndex((each) => each.block.name === block)
    ];
    const all = net.macs.reduce((sum, macs) => sum + macs, 0);
    if (call.share > 1 - own / all - 1e-9) return [];
    const name = `from ${blocks[cut + 1]}`;
    return [{ name, share: call.share, call }];
  });
