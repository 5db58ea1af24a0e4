/** Reading and writing the attributes of a node. */
import type { Attribute, AttributeValue, Node } from "./graph.ts";

export const int = (value: number): Attribute => ({ kind: "int", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const ints = (value: readonly number[]): Attribute => ({
  kind: "ints",
  value,
});
export const string = (value: string): Attribute => ({ kind: "string", value });

function read<K extends keyof AttributeValue>(
  node: Node,
  key: string,
  kind: K,
): AttributeValue[K] | undefined {
  const attribute = node.attributes[key];
  if (attribute === undefined) return undefined;
  if (attribute.kind !== kind) {
    throw new TypeError(
      `Cannot read attribute "${key}" of node "${node.name}" (${node.op}): it is ${attribute.kind}, expected ${kind}`,
    );
  }
  return attribute.value as AttributeValue[K];
}

/** An integer attribute, or the operator's default. */
export const intAttribute = (
  node: Node,
  key: string,
  otherwise: number,
): number => read(node, key, "int") ?? otherwise;

/** A float attribute, or the operator's default. */
export const floatAttribute = (
  node: Node,
  key: string,
  otherwise: number,
): number => read(node, key, "float") ?? otherwise;

/** A list of integers, or the operator's default. */
export const intsAttribute = (
  node: Node,
  key: string,
  otherwise: readonly number[],
): readonly number[] => read(node, key, "ints") ?? otherwise;

/** A string attribute, or the operator's default. */
export const stringAttribute = (
  node: Node,
  key: string,
  otherwise: string,
): string => read(node, key, "string") ?? otherwise;
