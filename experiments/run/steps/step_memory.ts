/**
 * The memory that steps hold, from shapes alone: a sum of the largest parts, not a
 * measurement, without the runtime's own buffers.
 */
import { sizeOf } from "@dip-go/core/tensor";
import type { SuperNet } from "@dip-go/supernet/gates";
import type { PartSizes } from "../../dry_run/section_bench.ts";
import type { Bench } from "../bench.ts";

const bytesOfFloat = 4;

/** The bytes that steps hold, by their work. */
export interface StepMemory {
  /** Bytes of a step that samples a batch of the evaluation. */
  readonly sampling: number;
  /** Bytes of a step that samples a search's batch. */
  readonly searching: number;
  /** Bytes of a search that follows gradients. */
  readonly gradient: number;
  /** Bytes of a step that measures pictures, without the networks of metrics. */
  readonly measuring: number;
}

/** The elements of all tensors between the blocks of one call. */
const betweenBlocks = ({ blocks }: SuperNet) =>
  blocks.flatMap(({ graph }) => graph.outputs)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** The elements of the inputs and outputs of the operator that has most of them. */
function widestOperator({ blocks }: SuperNet): number {
  let widest = 0;
  for (const { graph } of blocks) {
    for (const { inputs, outputs } of graph.nodes) {
      const touched = [...inputs, ...outputs].filter((name) =>
        name !== "" && !graph.initializers.has(name)
      );
      const elements = touched.reduce(
        (sum, name) => sum + sizeOf(graph.values.get(name)!.shape),
        0,
      );
      widest = Math.max(widest, elements);
    }
  }
  return widest;
}

/** The bytes that the steps of an experiment hold. */
export function stepMemory(
  bench: Bench,
  { loadedBytes, side }: Pick<PartSizes, "loadedBytes" | "side">,
): StepMemory {
  const { search, evaluation } = bench.experiment;
  const sampled = (images: number) => {
    const net = bench.superNet({ images });
    return betweenBlocks(net) + widestOperator(net);
  };
  const searched = bench.searchedNet;
  // a step keeps its tensors, its units' outputs and its held values
  const gradient = 3 * searched.steps * betweenBlocks(searched) +
    widestOperator(searched);
  const bytes = (elements: number) => loadedBytes + bytesOfFloat * elements;
  return {
    sampling: bytes(sampled(evaluation.batch)),
    searching: bytes(sampled(search.batch)),
    gradient: bytes(gradient),
    measuring: bytes(4 * evaluation.batch * 3 * side ** 2),
  };
}
