/**
 * Gated units of a transformer, and the tensors that backup connections hold: for any
 * transformer block that is given as its sublayers, each of which adds to the
 * residual stream.
 */
import type { Block } from "./block_graph.ts";
import { fused, fusedResidual } from "./fused_blocks.ts";

/** `block`: a gate for each transformer block. `sublayer`: attention and feed-forward apart. */
export type TransformerGranularity = "block" | "sublayer";

export interface TransformerUnitOptions {
  /** `block` by default. */
  readonly granularity?: TransformerGranularity;
  /** The tensor that a backup connection holds: the stream after a unit, or (by default) the unit's update of it. */
  readonly backup?: "output" | "residual";
}

/**
 * A transformer block as units.
 *
 * @param name Its module path.
 * @param sublayers In execution order; blocks that they share come first and are not gated.
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
