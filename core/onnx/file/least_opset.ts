/** Which version of ONNX a graph needs: older runtimes and checkers read a file that asks for no more. */
import type { Graph, Node } from "../graph.ts";
import { operatorOf } from "../ops/registry.ts";
import { storedOpset } from "./stored_floats.ts";

/** The oldest opset that files ask for: what LayerNormalization needs. */
const oldest = 17;

/** ONNX Runtime's own forms of an operator that is young in ONNX. */
const runtimeForms: Readonly<Record<string, string>> = {
  none: "Gelu",
  tanh: "FastGelu",
};

/** The graph with `Gelu` in ONNX Runtime's form (com.microsoft), which every version of it has. */
export function withOlderGelu(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.map(olderGelu) };
}

function olderGelu(node: Node): Node {
  if (node.op !== "Gelu" || node.domain !== "") return node;
  const kind = node.attributes.approximate ?? "none";
  const domain = "com.microsoft";
  return { ...node, op: runtimeForms[kind], domain, attributes: {} };
}

/** The lowest opset, from 17, that has every ONNX operator of the graph as it is used. */
export function leastOpset(graph: Graph): number {
  return graph.nodes.filter(({ domain }) => domain === "")
    .reduce(
      (most, node) => Math.max(most, operatorOf(node).opset ?? oldest),
      Math.max(oldest, storedOpset(graph)),
    );
}
