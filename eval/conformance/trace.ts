/** Runs a network block by block against features that hooks recorded from another implementation. */
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

/** A network's feeds and recorded features, and their judge. */
export interface Trace {
  readonly judge: ReturnType<typeof judgeOf>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly recorded: SafetensorsFile;
  /** The key of a tensor in `recorded`, null if no hook sees it. `residualOf` names a residual block's addition. */
  readonly keyOf: (tensor: string) => string | null;
}

/**
 * Compares every recorded tensor between blocks, in execution order: the first
 * row that is not ok names the first block that differs.
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

/** Gives a tensor the recorded shape if their sizes agree: a module may split or join axes that our block does not. */
function shapedAs(found: Tensor, { shape }: Tensor): Tensor {
  return sizeOf(found.shape) === sizeOf(shape) ? { ...found, shape } : found;
}

/** Runs a block; a residual block's output comes twice, as its addition and as the sum with the stream. */
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
