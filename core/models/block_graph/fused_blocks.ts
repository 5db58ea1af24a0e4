/**
 * Fuses consecutive blocks into one block, a coarser unit that a single gate
 * switches. The unit's inputs and outputs follow from the blocks that make and
 * read each tensor.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { type Block, emitBlock } from "./block_graph.ts";

const readBy = ({ inputs, streams = [] }: Block): readonly string[] => [
  ...inputs,
  ...streams,
];

/** The names of tensors that some of the blocks read and none of them makes. */
function readFromOutside(parts: readonly Block[]): string[] {
  const made = new Set(parts.flatMap((part) => part.outputs));
  return [...new Set(parts.flatMap(readBy))]
    .filter((tensor) => !made.has(tensor));
}

/** Emits all parts. @returns All tensors by name, and the residual parts' updates by the name of their sum. */
function emitAll(
  g: GraphBuilder,
  parts: readonly Block[],
  values: readonly Value[],
): { tensors: Map<string, Value>; added: Map<string, Value> } {
  const inputs = readFromOutside(parts);
  const tensors = new Map(inputs.map((input, i) => [input, values[i]]));
  const added = new Map<string, Value>();
  for (const part of parts) {
    const emitted = emitBlock(g, part, tensors);
    if (!part.streams) continue;
    part.outputs.forEach((output, i) => added.set(output, emitted[i]));
  }
  return { tensors, added };
}

/** A gated block that runs all `parts` and returns the tensors `outputs`. */
export const fused = (
  name: string,
  parts: readonly Block[],
  outputs: readonly string[],
): Block => ({
  name,
  gated: true,
  inputs: readFromOutside(parts),
  outputs,
  emit(g, values) {
    const { tensors } = emitAll(g, parts, values);
    return outputs.map((output) => tensors.get(output)!);
  },
});

/** The successive sums that `parts` make of each residual stream, by the stream's name before the first. */
function sumsOf(parts: readonly Block[]): Map<string, string[]> {
  const sums = new Map<string, string[]>();
  for (const { outputs, streams = [] } of parts) {
    for (const [i, stream] of streams.entries()) {
      const before = [...sums].find(([, made]) => made.at(-1) === stream);
      if (before) before[1].push(outputs[i]);
      else sums.set(stream, [outputs[i]]);
    }
  }
  return sums;
}

/**
 * A gated block of `parts`, whose update of each residual stream is the sum of the
 * parts' updates. Parts that add to no stream make inputs of the others.
 */
export function fusedResidual(name: string, parts: readonly Block[]): Block {
  const sums = sumsOf(parts);
  return {
    name,
    gated: true,
    inputs: readFromOutside(parts),
    outputs: [...sums.values()].map((made) => made[made.length - 1]),
    streams: [...sums.keys()],
    emit(g, values) {
      const { added } = emitAll(g, parts, values);
      return [...sums.values()].map((made) =>
        made.map((output) => added.get(output)!).reduce((a, b) => g.add(a, b))
      );
    },
  };
}

/** Splits blocks into runs of the same unit; a block without a unit is a run of its own. */
function runsOf(
  blocks: readonly Block[],
  unitOf: (block: Block) => string | null,
): { unit: string | null; parts: Block[] }[] {
  const runs: { unit: string | null; parts: Block[] }[] = [];
  for (const block of blocks) {
    const unit = unitOf(block);
    const last = runs.at(-1);
    if (last && unit !== null && last.unit === unit) last.parts.push(block);
    else runs.push({ unit, parts: [block] });
  }
  return runs;
}

/**
 * Fuses consecutive blocks that belong to the same unit.
 *
 * @param blocks A model's blocks in execution order.
 * @param unitOf Returns the name of a block's unit, or null if the block is not fused.
 */
export function fuseBlocks(
  blocks: readonly Block[],
  unitOf: (block: Block) => string | null,
): Block[] {
  return runsOf(blocks, unitOf).flatMap(({ unit, parts }) => {
    if (unit === null) return parts;
    const others = blocks.filter((block) => !parts.includes(block));
    const wanted = new Set(others.flatMap(readBy));
    const outputs = parts.flatMap((part) => part.outputs)
      .filter((tensor) => wanted.has(tensor));
    return [fused(unit, parts, outputs)];
  });
}
