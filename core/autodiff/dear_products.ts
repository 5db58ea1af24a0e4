/** The products that a backward pass should get from the forward pass, since it is slow to compute them again. */
import type { Graph } from "../onnx/graph.ts";
import { macsOfGraph } from "../onnx/macs.ts";
import { sizeOf } from "../tensor/tensor.ts";

/** With fewer MACs an element, a product takes less time than to write the element and read it back. */
const leastMacs = 128;

/** The outputs of a graph's products with weights that take longer to compute than to keep. */
export function dearProducts(graph: Graph): string[] {
  const macs = macsOfGraph(graph);
  return graph.nodes.filter(({ name, outputs }) => {
    const { weights } = macs.get(name) ?? { weights: 0 };
    return weights >= leastMacs * sizeOf(graph.values.get(outputs[0])!.shape);
  }).map(({ outputs }) => outputs[0]);
}
