/** Blocks that make one tensor, as most layers do. */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import type { Block, Branch } from "./block_graph.ts";

type Emit = (g: GraphBuilder, inputs: readonly Value[]) => Value;

/** A block whose output bears its name unless told; where it is gated, its backup is that output. */
export function outputBlock(
  name: string,
  { inputs, output = name, gated = false }: {
    inputs: readonly string[];
    output?: string;
    gated?: boolean;
  },
  emit: Emit,
): Block {
  return {
    name,
    gated,
    inputs,
    outputs: [output],
    emit: (g, values) => [emit(g, values)],
  };
}

/** A gated block that adds to a stream; the sum bears its name unless told. */
export function residualBlock(
  name: string,
  { stream, inputs, output = name }: {
    stream: string;
    inputs: readonly string[];
    output?: string;
  },
  emit: Emit,
): Block {
  const block = outputBlock(name, { inputs, output, gated: true }, emit);
  return { ...block, streams: [stream] };
}

/** A gated block that adds gate · branch to each of its streams. */
export const branchBlock = (
  block: Pick<Block, "name" | "inputs" | "outputs" | "streams">,
  branches: (g: GraphBuilder, inputs: readonly Value[]) => readonly Branch[],
): Block => ({
  ...block,
  gated: true,
  branches,
  emit: (g, inputs) =>
    branches(g, inputs).map(({ gate, branch }) => g.mul(gate, branch)),
});
