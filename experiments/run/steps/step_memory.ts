/**
 * What steps hold in memory, from shapes alone: a sum of the largest tenants,
 * not a measurement; it leaves the runtime's own buffers out.
 */
import { sizeOf } from "@dip-go/core/tensor";
import type { SuperNet } from "@dip-go/supernet/gates";
import type { PartSizes } from "../../dry_run/section_bench.ts";
import type { Bench } from "../bench.ts";

const bytesOfFloat = 4;

/** Bytes of steps by what they do. */
export interface StepMemory {
  /** Pictures of a batch are sampled. */
  readonly sampling: number;
  /** A search's batch is sampled. */
  readonly searching: number;
  /** A search follows gradients. */
  readonly gradient: number;
  /** Pictures are looked at; networks that metrics look with are left out. */
  readonly measuring: number;
}

/** Elements of all tensors between the blocks of one call. */
const betweenBlocks = ({ blocks }: SuperNet) =>
  blocks.flatMap(({ graph }) => graph.outputs)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Elements of the inputs and outputs of the operator that has most of them. */
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

/** What the steps of an experiment hold. */
export function stepMemory(
  bench: Bench,
  { loadedBytes, side }: Pick<PartSizes, "loadedBytes" | "side">,
): StepMemory {
  const { search, evaluation, sampler: { steps } } = bench.experiment;
  const sampled = (images: number) => {
    const net = bench.superNet({ images, steps });
    return betweenBlocks(net) + widestOperator(net);
  };
  const searched = bench.superNet({ images: search.batch, steps });
  // a step keeps its tensors, what units computed and what they held
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
