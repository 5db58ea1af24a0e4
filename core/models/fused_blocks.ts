/**
 * Coarser units out of finer ones: consecutive blocks become one block that a
 * single gate switches. What the unit reads and returns follows from who makes
 * and who reads each tensor.
 */
import { type Block, emitBlocks } from "./block_graph.ts";

const readBy = ({ inputs, residual }: Block): readonly string[] =>
  residual ? [...inputs, residual] : inputs;

/** One gated block that does what `parts` do, returning the tensors `outputs`. */
function fused(
  name: string,
  parts: readonly Block[],
  outputs: readonly string[],
): Block {
  const made = new Set(parts.flatMap((part) => part.outputs));
  const inputs = [...new Set(parts.flatMap(readBy))]
    .filter((tensor) => !made.has(tensor));
  return {
    name,
    gated: true,
    inputs,
    outputs,
    emit(g, values) {
      const tensors = new Map(inputs.map((input, i) => [input, values[i]]));
      emitBlocks(g, parts, tensors);
      return outputs.map((output) => tensors.get(output)!);
    },
  };
}

/** The runs of consecutive blocks with the same unit; a block of none stays alone. */
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
 * @param unitOf The name of a block's unit, or null for one that stays as it is.
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
