/** Reading and writing the attributes of a node. */
import type { Attribute, AttributeValue, Graph, Node } from "./graph.ts";

export const int = (value: number): Attribute => ({ kind: "int", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const ints = (value: readonly number[]): Attribute => ({
  kind: "ints",
  value,
});
export const string = (value: string): Attribute => ({ kind: "string", value });
export const graph = (value: Graph): Attribute => ({ kind: "graph", value });

/** Reads attributes of one kind: a node's, or the operator's default. */
const reader = <K extends keyof AttributeValue>(kind: K) =>
(
  node: Node,
  key: string,
  otherwise: AttributeValue[K],
): AttributeValue[K] => {
  const attribute = node.attributes[key];
  if (attribute === undefined) return otherwise;
  if (attribute.kind !== kind) {
    throw new TypeError(
      `Cannot read attribute "${key}" of node "${node.name}" (${node.op}): it is ${attribute.kind}, expected ${kind}`,
    );
  }
  return attribute.value as AttributeValue[K];
};

export const intAttribute = reader("int");
export const floatAttribute = reader("float");
export const intsAttribute = reader("ints");
export const stringAttribute = reader("string");
