/**
 * Divides a transformer block into gated units, and chooses the tensors that their
 * backup connections hold. The block is given as its sublayers, each of which adds
 * to the residual stream.
 */
import type { Block, BuildOptions } from "./block_graph.ts";
import { fused, fusedResidual } from "./fused_blocks.ts";

/** `block`: a gate for each transformer block. `sublayer`: a gate for each attention and feed-forward layer. */
export type TransformerGranularity = "block" | "sublayer";

export type TransformerOptions = BuildOptions<TransformerGranularity>;

export type TransformerUnitOptions = Pick<
  TransformerOptions,
  "granularity" | "backup"
>;

/**
 * Divides a transformer block into units.
 *
 * @param name The block's module path.
 * @param sublayers The sublayers in execution order; blocks that they share come first and are not gated.
 */
export function transformerUnits(
  name: string,
  sublayers: readonly Block[],
  { granularity = "block", backup = "residual" }: TransformerUnitOptions,
): Block[] {
  const isOutput = backup === "output";
  if (granularity === "sublayer") {
    return sublayers.map((block) =>
      isOutput && block.streams
        ? fused(block.name, [block], block.outputs)
        : block
    );
  }
  const unit = fusedResidual(name, sublayers);
  return [isOutput ? fused(name, sublayers, unit.outputs) : unit];
}
