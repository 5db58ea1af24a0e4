/**
 * One step of a SubNet as a single graph: its live blocks, what the closed
 * gates hold as inputs, what later steps read as outputs.
 */
import type { CompiledBlock } from "../core/models/block_graph.ts";
import { GraphBuilder } from "../core/onnx/builder.ts";
import type { Graph, Value } from "../core/onnx/graph.ts";
import type { StepPattern } from "./liveness.ts";
import { StepEmitter } from "./step_emitter.ts";
import type { SuperNet } from "./super_net.ts";

/** What units hold as inputs of the graph, by the tensor it belongs to. */
function heldInputs(
  g: GraphBuilder,
  reads: readonly CompiledBlock[],
): Map<string, Value> {
  return new Map(
    reads.flatMap(({ block, graph }) =>
      graph.outputs.map(({ name, dtype, shape }, i): [string, Value] => [
        block.outputs[i],
        g.input(name, dtype, shape),
      ])
    ),
  );
}

/**
 * The graph of a step that runs at least one block. Inputs: those of the
 * model's that it needs, and what every unit of `reads` holds, named as that
 * block's own graph names its outputs; outputs: the model's where the step
 * predicts, and what every unit of `writes` will hold, named likewise.
 */
export function stepGraph(
  net: SuperNet,
  { live, reads, writes, predicts }: StepPattern,
): Graph {
  const { model: { model, inputs, output }, blocks } = net;
  const g = new GraphBuilder(`${model}:step`);
  const named = (names: readonly string[]) =>
    blocks.filter(({ block }) => names.includes(block.name));
  const held = heldInputs(g, named(reads));
  const step = new StepEmitter(g, net, {
    input(name) {
      const { dtype, shape } = inputs.find((each) => each.name === name)!;
      return g.input(name, dtype, shape);
    },
    held: (tensor) => held.get(tensor)!,
  });
  blocks.filter((_, i) => live[i]).forEach((block) => step.emit(block));
  const written = named(writes).flatMap((block) =>
    step.written(block).map(([, value], i): [string, Value] => [
      block.graph.outputs[i].name,
      value,
    ])
  );
  return g.build({
    ...predicts ? { [output]: step.read(output) } : {},
    ...Object.fromEntries(written),
  });
}
