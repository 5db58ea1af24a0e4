/**
 * What a section needs: disk, memory and arithmetic, from shapes alone. Memory
 * is a sum of the largest tenants, not a measurement; it leaves the runtime's
 * own buffers out.
 */
import { sizeOf } from "@dip-go/core/tensor";
import type { SuperNet } from "@dip-go/supernet/gates";
import type { Bench } from "../run/bench.ts";
import { methodOf } from "@dip-go/pruner/methods";
import { searchMacs } from "../run/search_cost.ts";

const bytesOfFloat = 4;

/** What the counts need besides the bench. */
export interface PartSizes {
  /** Weight elements of all parts. */
  readonly params: number;
  /** Bytes of the weights' files. */
  readonly weightBytes: number;
  /** Pixels of a picture's side. */
  readonly side: number;
  /** MACs of decoding one picture; 0 where the model makes pixels. */
  readonly decoderMacs: number;
}

export interface Resources {
  readonly weightBytes: number;
  /** Pictures of every row and of the full model in single precision, as shards and in the run's folder. */
  readonly pictureBytes: number;
  readonly memoryBytes: number;
  /** Total convention; searches, pictures, decoding and latency rounds. */
  readonly macs: { readonly search: number; readonly sampling: number };
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

function memoryBytes(bench: Bench, { params }: PartSizes): number {
  const { search, evaluation, methods, sampler: { steps } } = bench.experiment;
  const net = (images: number) => bench.superNet({ images, steps });
  const evaluated = net(evaluation.batch);
  const sampling = betweenBlocks(evaluated) + widestOperator(evaluated);
  const searched = net(search.batch);
  const searches = methods.map((chosen) => methodOf(chosen).searches);
  const latents = sizeOf(bench.full.latents);
  const trajectories = searches.some(Boolean)
    ? search.calibration * search.batch * (2 * searched.steps + 1) * latents
    : 0;
  // a step keeps its tensors, what units computed and what they held
  const gradient = searches.includes("by gradient")
    ? 3 * searched.steps * betweenBlocks(searched) + widestOperator(searched)
    : 0;
  const largest = Math.max(sampling, gradient);
  return bytesOfFloat * (params + trajectories + largest);
}

/**
 * Counts one section.
 *
 * @param rowMacs MACs (total convention) of one image of each row; of rows that search, their budget.
 */
export function resourcesOf(
  bench: Bench,
  sizes: PartSizes,
  rowMacs: readonly number[],
): Resources {
  const { evaluation: { pairs }, latency } = bench.experiment;
  const images = pairs * (rowMacs.length + 1);
  const timed = latency.rounds * latency.batches.reduce((a, b) => a + b, 0);
  const rows = rowMacs.reduce((a, b) => a + b, 0);
  // a row's rounds take turns with the full model's, which each sparsity times once
  const groups = bench.experiment.sparsity.length;
  return {
    weightBytes: sizes.weightBytes,
    pictureBytes: 2 * images * 3 * sizes.side ** 2 * bytesOfFloat,
    memoryBytes: memoryBytes(bench, sizes),
    macs: {
      search: searchMacs(bench),
      sampling: (pairs + timed) * rows + (pairs + timed * groups) *
          bench.denseMacs +
        images * sizes.decoderMacs,
    },
  };
}
