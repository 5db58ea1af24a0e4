/** Makes blocks: with one output, as most layers have, or with updates gate · branch. */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import type { Block, Branch } from "./block_graph.ts";

type Emit = (g: GraphBuilder, inputs: readonly Value[]) => Value;

/** A block with one output; if the block is gated, its backup connection holds that output. */
export const outputBlock = (
  { name, inputs, output = name, gated = false }: {
    readonly name: string;
    readonly inputs: readonly string[];
    /** The output's name; the block's name by default. */
    readonly output?: string;
    readonly gated?: boolean;
  },
  emit: Emit,
): Block => ({
  name,
  gated,
  inputs,
  outputs: [output],
  emit: (g, values) => [emit(g, values)],
});

/** A gated block that adds to a stream; its output is the sum. By default it reads the stream alone. */
export const residualBlock = (
  { name, stream, inputs = [stream] }: {
    readonly name: string;
    readonly stream: string;
    readonly inputs?: readonly string[];
  },
  emit: Emit,
): Block => ({
  ...outputBlock({ name, inputs, gated: true }, emit),
  streams: [stream],
});

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
