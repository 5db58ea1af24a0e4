/**
 * Gated units of a transformer, and the tensors that backup connections hold: for any
 * transformer block that is given as its sublayers, each of which adds to the
 * residual stream.
 */
import type { Block, BuildOptions } from "./block_graph.ts";
import { fused, fusedResidual } from "./fused_blocks.ts";

/** `block`: a gate for each transformer block. `sublayer`: attention and feed-forward apart. */
export type TransformerGranularity = "block" | "sublayer";

/** How a transformer is built. */
export type TransformerOptions = BuildOptions<TransformerGranularity>;

/** What of that its units depend on. */
export type TransformerUnitOptions = Pick<
  TransformerOptions,
  "granularity" | "backup"
>;

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
