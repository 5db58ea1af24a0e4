/** A network run block by block against the features that hooks on another implementation recorded. */
import {
  type BlockGraph,
  blockGraphs,
  type CompiledBlock,
  residualOf,
  streamOf,
} from "@dip-go/core/models";
import { openSession } from "@dip-go/core/runtime";
import { float32, plus, sizeOf, type Tensor } from "@dip-go/core/tensor";
import type { SafetensorsFile } from "@dip-go/core/weights";
import type { Conformance, judgeOf } from "./judge.ts";

/** Recorded features, and how they are compared. */
export interface Trace {
  readonly judge: ReturnType<typeof judgeOf>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly recorded: SafetensorsFile;
  /** The key of a block's tensor in `recorded`, or null for one that no hook sees. The addition of a residual block is named by `residualOf`. */
  readonly keyOf: (tensor: string) => string | null;
}

/**
 * Compares every tensor between blocks that was recorded, in execution order:
 * the first row that is not ok names the first block that differs.
 */
export async function* runTrace(
  graph: BlockGraph,
  { judge, feeds, recorded, keyOf }: Trace,
): AsyncGenerator<Conformance> {
  const tensors = new Map(Object.entries(feeds));
  for (const compiled of blockGraphs(graph)) {
    for (const [tensor, made] of await runBlock(compiled, tensors)) {
      tensors.set(tensor, made);
      const key = keyOf(tensor);
      if (!key || !recorded.tensors.has(key)) continue;
      const expected = recorded.read(key);
      yield judge(key, shapedAs(made, expected), expected);
    }
  }
}

/** A module may split or join axes that our block does not: where the sizes agree, the recorded shape counts. */
function shapedAs(found: Tensor, { shape }: Tensor): Tensor {
  return sizeOf(found.shape) === sizeOf(shape) ? { ...found, shape } : found;
}

/** A block's outputs, each after its addition to the stream where the block is residual. */
async function runBlock(
  { block, graph }: CompiledBlock,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<[string, Tensor][]> {
  await using session = await openSession(graph);
  const feeds = block.inputs.map((name) => [name, tensors.get(name)!]);
  const made = await session.run(Object.fromEntries(feeds));
  return block.outputs.flatMap((name): [string, Tensor][] => {
    const from = streamOf(block, name);
    if (!from) return [[name, made[name]]];
    const added = made[residualOf(name)];
    const stream = tensors.get(from)!;
    const sum = plus(stream.data as Float32Array, added.data as Float32Array);
    return [[residualOf(name), added], [name, float32(added.shape, sum)]];
  });
}
