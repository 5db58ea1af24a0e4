/**
 * An ONNX graph as plain immutable data: nodes in topological order, every
 * value with a dtype and a static shape. Builders make it, transformations
 * return a new one, `model_proto.ts` writes it to ONNX's own format.
 */
import type { DType, Tensor } from "../tensor/tensor.ts";
import type { attributeKinds } from "./attributes.ts";
import type { StoredFloat } from "../tensor/tensor_bytes.ts";

/** A value of a graph: one tensor's name, dtype and static shape. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The type of each kind of attribute. */
interface AttributeValue {
  readonly int: number;
  readonly float: number;
  readonly ints: readonly number[];
  readonly string: string;
  /** A graph inside of a node, which reads values of the graph around it; only files have it (`loops/nested.ts`). */
  readonly graph: Graph;
}

type Kinds = typeof attributeKinds;

/** Attributes of a node by their names; an absent one has the operator's default. */
export type Attributes = {
  readonly [Name in keyof Kinds]?: AttributeValue[Kinds[Name]];
};

/** One operator call. An omitted optional input is the empty string, as in ONNX. */
export interface Node {
  readonly op: string;
  /** `""` for ONNX's own operators, `"com.microsoft"` for ONNX Runtime's. */
  readonly domain: string;
  /** Module path and operator: `transformer_blocks.0.attn1.to_q/Gemm`. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Whether the node computes in float32 even if the rest of the graph is in float16. */
  readonly single?: true;
}

/** A byte range of a file that holds a tensor row-major and little-endian. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** The format in the file, if it holds a float32 value in other floats: the runtime widens them. */
  readonly stored?: StoredFloat;
}

/**
 * A constant of the graph. `parameter` is a model weight (counted, trainable),
 * `constant` anything the graph's author needed. Its data are in memory, in a
 * file, or absent: a graph without data can be measured but not run.
 */
export interface Initializer extends Value {
  readonly role: "parameter" | "constant";
  readonly data?: Tensor;
  readonly file?: FileRange;
}

/**
 * A loop over nodes of a graph. The graph is flat: the state that one iteration
 * passes to the next is among its inputs and outputs, by the names of
 * `loops/loop_names.ts`, so that rewritings need not know of loops.
 * `loops/nested.ts` makes ONNX's `Loop` of it.
 */
export interface Loop {
  /** The number of iterations. */
  readonly count: number;
  /** The name of the input with the iteration's index. */
  readonly index: string;
  /** The number of branches, of which each iteration takes one. */
  readonly branches: number;
  /** The names of the state values that iterations pass on. */
  readonly state: readonly string[];
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  readonly nodes: readonly Node[];
  /** Every value: inputs, initializers and outputs of nodes. */
  readonly values: ReadonlyMap<string, Value>;
  /** The loop, if nodes run more than once; its inputs and outputs are among the graph's. */
  readonly loop?: Loop;
}

/** The value called `name`. @throws {RangeError} If the graph has none. */
export function valueOf(
  graph: Pick<Graph, "name" | "values">,
  name: string,
): Value {
  const value = graph.values.get(name);
  if (value) return value;
  throw new RangeError(`Cannot find value "${name}" in graph "${graph.name}"`);
}

/** The graph with `of(initializer)` for each of its initializers. */
export const withInitializers = (
  graph: Graph,
  of: (initializer: Initializer) => Initializer,
): Graph => ({
  ...graph,
  initializers: new Map(
    [...graph.initializers].map(([name, each]) => [name, of(each)]),
  ),
});

/** The nodes, and the nodes of graphs inside of them. */
export const withInner = (nodes: readonly Node[]): Node[] =>
  nodes.flatMap((node) => {
    const { body, then_branch, else_branch } = node.attributes;
    const inner = [body, then_branch, else_branch];
    return [node, ...inner.flatMap((graph) => withInner(graph?.nodes ?? []))];
  });

/** Integers of a node's i-th input. @throws {RangeError} If the input is no constant with data in memory. */
export function constantInts(
  { initializers }: Pick<Graph, "initializers">,
  node: Node,
  i: number,
): number[] {
  const data = initializers.get(node.inputs[i])?.data?.data;
  if (!data) {
    throw new RangeError(
      `Cannot read input "${
        node.inputs[i]
      }" of node "${node.name}" (${node.op}): it must be a constant`,
    );
  }
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
