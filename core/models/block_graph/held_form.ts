/** Cuts a unit's block at the tensor that a backup connection holds; the network computes the same. */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { sameShape } from "../../tensor/tensor.ts";
import type { Block, CompiledBlock } from "./block_graph.ts";
import { fused } from "./fused_blocks.ts";

/**
 * The tensors that a backup connection may hold. `output`: the unit's output; in
 * a residual unit, the stream after it. `residual`: the unit's update; without a
 * stream, its output less its first input of that shape. `branch`: the update
 * before its factor `gate`, which is computed anew. A unit without this factor,
 * or of several layers, holds its residual as `branch`.
 */
export const heldKinds = ["output", "branch", "residual"] as const;
export type Held = typeof heldKinds[number];

/**
 * The blocks that replace a gated block to hold such a tensor; often the block itself.
 *
 * @throws {RangeError} If the block has no residual: several outputs, or no input of its output's shape.
 */
export function heldForm(compiled: CompiledBlock, held: Held): Block[] {
  const { block } = compiled;
  const { name, outputs, streams, branches } = block;
  if (held === "output") {
    return [streams ? fused(name, [block], outputs) : block];
  }
  if (!streams) return [asResidual(compiled)];
  if (held === "residual" || !branches) return [block];
  const inputs = [...new Set([...block.inputs, ...streams])];
  const cut = outputs.map((output) => `${output}:branch`);
  return [{
    name,
    gated: true,
    inputs: block.inputs,
    outputs: cut,
    emit: (g, values) => branches(g, values).map(({ branch }) => branch),
  }, {
    name: `${name}:sum`,
    gated: false,
    inputs: [...inputs, ...cut],
    outputs,
    emit: (g, values) =>
      branches(g, values.slice(0, block.inputs.length)).map(({ gate }, k) =>
        g.add(
          values[inputs.indexOf(streams[k])],
          g.mul(gate, values[inputs.length + k]),
        )
      ),
  }];
}

/** Whether a block has a residual: streams, or one output and an input of its shape. */
export const hasResidual = (compiled: CompiledBlock): boolean =>
  compiled.block.streams !== undefined || ownInput(compiled) !== -1;

/** The index of the first input of the one output's shape; −1 if there is none. */
const ownInput = ({ graph: { inputs, outputs } }: CompiledBlock): number =>
  outputs.length > 1
    ? -1
    : inputs.findIndex(({ shape }) => sameShape(shape, outputs[0].shape));

/** The block as one that adds to its first input of its output's shape. */
function asResidual(compiled: CompiledBlock): Block {
  const { block } = compiled;
  const i = ownInput(compiled);
  if (i === -1) {
    throw new RangeError(
      `Cannot hold the residual of ${block.name}: it makes [${block.outputs}] of [${block.inputs}], expected one tensor and an input of its shape; hold its output`,
    );
  }
  const emit = (g: GraphBuilder, values: readonly Value[]) => [
    g.sub(block.emit(g, values)[0], values[i]),
  ];
  return { ...block, streams: [block.inputs[i]], emit };
}
