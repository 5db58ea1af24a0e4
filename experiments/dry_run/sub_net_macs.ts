/** MACs of a SubNet in every convention that the paper and its readers count by: from shapes, without weights. */
import type { BlockGraph } from "@dip-go/core/models";
import { type Macs, macsOfGraph, sumMacs } from "@dip-go/core/onnx";
import {
  denseGates,
  type Gates,
  liveBlocks,
  superNet,
} from "@dip-go/supernet/gates";

/**
 * MACs over all steps of a SubNet: those of the blocks that liveness finds,
 * cascade and later backups included.
 *
 * @param model At batch 1 for the figures that papers print: there a linear bias counts once a call.
 * @param gates `[T, N]`, the whole step's unit last.
 * @throws {RangeError} If the gates do not fit the model's units.
 */
export function macsOfGates(model: BlockGraph, gates: Gates): Macs {
  const { call, ofBlock } = known.getOrInsertComputed(model, counted);
  const net = { ...call, steps: gates.length };
  return sumMacs(
    liveBlocks(net, gates).flatMap((row) =>
      ofBlock.filter((_, block) => row[block])
    ),
  );
}

/** A model's call, and what each of its blocks counts. */
function counted(model: BlockGraph) {
  const call = superNet(model, { steps: 1 });
  const ofBlock = call.blocks.map(({ graph }) =>
    sumMacs(macsOfGraph(graph).values())
  );
  return { call, ofBlock };
}

/** Counted once a model, whatever the gates. */
const known = new WeakMap<BlockGraph, ReturnType<typeof counted>>();

/** MACs of one call with every block. */
export const macsOfCall = (model: BlockGraph): Macs =>
  macsOfGates(model, denseGates(1, gatedUnits(model)));

/** Gated blocks and the whole step. */
const gatedUnits = ({ blocks }: BlockGraph): number =>
  blocks.filter(({ gated }) => gated).length + 1;
