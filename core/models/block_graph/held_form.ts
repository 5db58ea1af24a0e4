/** What a backup connection holds of a unit, as a form of its block: the same network, cut where the held tensor is. */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { sameShape } from "../../tensor/tensor.ts";
import type { Block, CompiledBlock } from "./block_graph.ts";
import { fused } from "./fused_blocks.ts";

/**
 * `output`: the unit's output, of a residual unit the stream after it.
 * `residual`: what it adds; of a unit that adds to no stream, its output less its
 * first input of that shape. `branch`: what it adds before its gate; the gate is
 * computed anew. A unit without a gate, or of several layers, has no other branch
 * than its residual.
 */
export const heldKinds = ["output", "branch", "residual"] as const;
export type Held = typeof heldKinds[number];

/**
 * A gated block in the form that holds so: itself, or what takes its place.
 *
 * @throws {RangeError} If it has no residual: several outputs, or no input of its output's shape.
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

/** A block that adds to its first input of its output's shape. */
function asResidual({ block, graph }: CompiledBlock): Block {
  const [{ shape }, ...others] = graph.outputs;
  const i = graph.inputs.findIndex((input) => sameShape(input.shape, shape));
  if (i === -1 || others.length > 0) {
    throw new RangeError(
      `Cannot hold the residual of ${block.name}: it makes [${block.outputs}] of [${block.inputs}], expected one tensor and an input of its shape; hold its output`,
    );
  }
  const emit = (g: GraphBuilder, values: readonly Value[]) => [
    g.sub(block.emit(g, values)[0], values[i]),
  ];
  return { ...block, streams: [block.inputs[i]], emit };
}
