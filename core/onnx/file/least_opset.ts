/** The version of ONNX that a graph needs: older runtimes and checkers read files that declare no newer one. */
import type { Graph, Node } from "../graph.ts";
import { operatorOf } from "../ops/registry.ts";
import { storedOpset } from "./stored_floats.ts";

/** The oldest opset that files declare: LayerNormalization needs it. */
const oldest = 17;

/** ONNX Runtime's operator for each value of `approximate` of `Gelu`, which ONNX has from opset 20 on. */
const runtimeForms: Readonly<Record<string, string>> = {
  none: "Gelu",
  tanh: "FastGelu",
};

/** The graph with `Gelu` as ONNX Runtime's own operator (com.microsoft), which all its versions have. */
export function withOlderGelu(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.map(olderGelu) };
}

function olderGelu(node: Node): Node {
  if (node.op !== "Gelu" || node.domain !== "") return node;
  const kind = node.attributes.approximate ?? "none";
  const domain = "com.microsoft";
  return { ...node, op: runtimeForms[kind], domain, attributes: {} };
}

/** The lowest opset, from 17, that has every ONNX operator in the form that the graph uses. */
export function leastOpset(graph: Graph): number {
  return graph.nodes.filter(({ domain }) => domain === "")
    .reduce(
      (most, node) => Math.max(most, operatorOf(node).opset ?? oldest),
      Math.max(oldest, storedOpset(graph)),
    );
}
