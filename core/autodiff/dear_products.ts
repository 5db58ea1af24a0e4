/** What a backward pass had better be given than compute again. */
import type { Graph } from "../onnx/graph.ts";
import { macsOfGraph } from "../onnx/macs.ts";
import { sizeOf } from "../tensor/tensor.ts";

/** Fewer multiply-accumulates an element take less time than writing the element to memory and reading it back. */
const leastMacs = 128;

/** Outputs of a graph's products with weights that take longer to compute than to keep. */
export function dearProducts(graph: Graph): string[] {
  const macs = macsOfGraph(graph);
  return graph.nodes.filter(({ name, outputs }) => {
    const { weights } = macs.get(name) ?? { weights: 0 };
    return weights >= leastMacs * sizeOf(graph.values.get(outputs[0])!.shape);
  }).map(({ outputs }) => outputs[0]);
}
