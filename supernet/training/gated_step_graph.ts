/** One whole step of the training form as a single graph: every block runs, and gates are inputs or all open. */
import { computedName, streamOf } from "@dip-go/core/models";
import {
  type Graph,
  GraphBuilder,
  inlined,
  shareNodes,
  type Value,
} from "@dip-go/core/onnx";
import { gatedValue } from "../arithmetic/gate_nodes.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** Names of the graph's inputs and outputs besides the model's. */
export const stepNames = {
  /** Input `[1]`: a unit's gate. */
  gate: (unit: string) => `${unit}:gate`,
  /** Input: the payload of a unit for an output of its block. */
  payload: (output: string) => `${output}:payload`,
  /** Output: the value that a block computes, before the gate and, if it is residual, before the sum. */
  fresh: (output: string) => `${output}:fresh`,
  /** Output: the sum of a residual block's gated value and its stream. */
  sum: (output: string) => `${output}:sum`,
  /** Output: a value within a block. */
  inner: (block: string, value: string) => `${block}/${value}:inner`,
};

export interface GatedStepOptions {
  /** Values within each block that the graph returns too, by their names in the block's own graph. */
  readonly inner: readonly (readonly string[])[];
  /** Whether all gates are 1, so that neither gates nor payloads are inputs. */
  readonly open: boolean;
}

/**
 * The graph of a whole step. Inputs: the model's, and `gate` and `payload` of
 * {@linkcode stepNames}; outputs: the others of {@linkcode stepNames}.
 */
export function gatedStepGraph(
  { model: { model, inputs }, blocks }: SuperNet,
  { inner, open }: GatedStepOptions,
): Graph {
  const g = new GraphBuilder(`${model}:gated`);
  const tensors = new Map(
    inputs.map(({ name, dtype, shape }) => [name, g.input(name, dtype, shape)]),
  );
  const outputs: Record<string, Value> = {};
  for (const [i, { block, graph }] of blocks.entries()) {
    const { name, gated } = block;
    const values = g.scope(name, () => inlined(g, graph, tensors));
    const gate = gated && !open &&
      g.input(stepNames.gate(name), "float32", [1]);
    for (const output of block.outputs) {
      const fresh = values.get(computedName(block, output))!;
      outputs[stepNames.fresh(output)] = fresh;
      const payload = gate &&
        g.input(stepNames.payload(output), fresh.dtype, fresh.shape);
      const value = payload
        ? gatedValue(g, { computed: fresh, payload, gate })
        : fresh;
      const stream = streamOf(block, output);
      if (stream) {
        outputs[stepNames.sum(output)] = g.add(tensors.get(stream)!, value);
      }
      tensors.set(output, outputs[stepNames.sum(output)] ?? value);
    }
    for (const value of inner[i]) {
      outputs[stepNames.inner(name, value)] = values.get(value)!;
    }
  }
  return shareNodes(g.build(outputs));
}
