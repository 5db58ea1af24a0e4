/** MACs of a SubNet in every convention, from shapes, without weights. */
import type { BlockGraph } from "@dip-go/core/models";
import { type Macs, macsOfGraph, sumMacs } from "@dip-go/core/onnx";
import {
  denseGates,
  type Gates,
  type Halves,
  liveBlocks,
  superNet,
} from "@dip-go/supernet/gates";

/**
 * MACs over all steps of a SubNet: the sum over the blocks that liveness finds to
 * run. It follows the cascade, and keeps blocks whose values later steps read.
 *
 * @param model The block graph; papers' figures need batch 1, at which a linear bias counts once a call.
 * @param gates Gates `[T, N]`; the whole step's unit is the last.
 * @param halves The halves of guidance of each step, both by default; one counts half.
 * @throws {RangeError} If the gates do not fit the model's units.
 */
export function macsOfGates(
  model: BlockGraph,
  gates: Gates,
  halves: readonly Halves[] = [],
): Macs {
  const { call, ofBlock, halfOfBlock } = known.getOrInsertComputed(
    model,
    counted,
  );
  const net = { ...call, steps: gates.length };
  return sumMacs(
    liveBlocks(net, gates).flatMap((row, t) =>
      (halves[t] === "conditional" ? halfOfBlock : ofBlock)
        .filter((_, block) => row[block])
    ),
  );
}

/** The SuperNet of one call of a model, and the MACs of each block. */
function counted(model: BlockGraph) {
  const call = superNet(model, { steps: 1 });
  const ofBlock = call.blocks.map(({ graph }) =>
    sumMacs(macsOfGraph(graph).values())
  );
  const halfOfBlock = ofBlock.map(({ total, weights, paper, ...rest }) => ({
    ...rest,
    total: total / 2,
    weights: weights / 2,
    paper: paper / 2,
  }));
  return { call, ofBlock, halfOfBlock };
}

/** The counts of each model, which do not depend on gates. */
const known = new WeakMap<BlockGraph, ReturnType<typeof counted>>();

/** MACs of one call that runs every block. */
export const macsOfCall = (model: BlockGraph): Macs =>
  macsOfGates(model, denseGates(1, gatedUnits(model)));

/** The number of gated units: the gated blocks and the whole step. */
const gatedUnits = ({ blocks }: BlockGraph): number =>
  blocks.filter(({ gated }) => gated).length + 1;
