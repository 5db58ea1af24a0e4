/**
 * The SuperNet of a block graph: T calls of the model, and for each gated block
 * and for the whole step a unit whose output a backup connection can carry over
 * from the step before (DiP-GO, section 3.2).
 */
import {
  type BlockGraph,
  blockGraphs,
  type CompiledBlock,
} from "../core/models/block_graph.ts";
import { macsOfGraph, sumMacs } from "../core/onnx/macs.ts";

export interface SuperNet {
  readonly model: BlockGraph;
  readonly steps: number;
  readonly blocks: readonly CompiledBlock[];
  /** Names of the units, in execution order: the gated blocks, then the whole step. */
  readonly units: readonly string[];
  /** MACs (total convention) of one call of each block, in the order of `blocks`. */
  readonly macs: readonly number[];
}

/**
 * @param model Its batch counts in the MACs: two for one guided image.
 * @param steps Model calls T.
 */
export function superNet(
  model: BlockGraph,
  { steps }: { steps: number },
): SuperNet {
  const blocks = blockGraphs(model);
  return {
    model,
    steps,
    blocks,
    units: [
      ...blocks.filter(({ block }) => block.gated).map(({ block }) =>
        block.name
      ),
      model.output,
    ],
    macs: blocks.map(({ graph }) => sumMacs(macsOfGraph(graph).values()).total),
  };
}
