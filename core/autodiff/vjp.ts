/**
 * Reverse mode as a graph transform: an ONNX graph in, the graph of its
 * vector-Jacobian product out. The forward nodes that the backward ones read
 * are kept in the new graph, so running it recomputes the forward pass from
 * its inputs: checkpointing at the graph's boundary.
 */
import { GraphBuilder } from "../onnx/builder.ts";
import {
  constantInts,
  type Graph,
  type Node,
  type Value,
  valueOf,
} from "../onnx/graph.ts";
import type { VjpCall } from "../onnx/ops/operator.ts";
import { operatorOf } from "../onnx/ops/registry.ts";
import { dependants } from "../onnx/reach.ts";
import { withoutUnread } from "../onnx/rewrites/unread_inputs.ts";
import { describe, sameShape, zeros } from "../tensor/tensor.ts";

/** Name of the input that holds an output's cotangent. */
export const cotangentOf = (output: string): string => `${output}:cotangent`;

/** Name of the output that holds the gradient with respect to a value. */
export const gradientOf = (value: string): string => `${value}:gradient`;

export interface VjpOptions {
  /** Inputs or initializers whose gradients are wanted. */
  readonly wrt: readonly string[];
  /** Forward outputs that the new graph returns too. */
  readonly keep?: readonly string[];
  /** Forward values that become inputs of the new graph, if it reads them, instead of nodes; none by default. */
  readonly given?: readonly string[];
  /** `input`: cotangents are inputs of the new graph. `ones`: they are 1, as for a loss. */
  readonly seed?: "input" | "ones";
}

/** Sums a cotangent over the axes that broadcasting added, so that it has `shape` again. */
function unbroadcast(
  g: GraphBuilder,
  cotangent: Value,
  shape: readonly number[],
): Value {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const lead = cotangent.shape.length - shape.length;
  const axes = cotangent.shape.flatMap((dim, i) =>
    i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []
  );
  const summed = axes.length ? g.reduceSum(cotangent, { axes }) : cotangent;
  return sameShape(summed.shape, shape) ? summed : g.reshape(summed, shape);
}

function checkTarget(graph: Graph, name: string): void {
  const value = valueOf(graph, name);
  if (!value.dtype.startsWith("float")) {
    throw new TypeError(
      `Cannot differentiate graph "${graph.name}" with respect to "${name}": it is ${
        describe(value)
      }, expected a float`,
    );
  }
}

/** The cotangents on their way back through `graph`, whose VJP graph `g` builds. */
class Backward {
  readonly #g: GraphBuilder;
  readonly #graph: Graph;
  /** Names of the values that depend on a target. */
  readonly #active: ReadonlySet<string>;
  readonly #cotangents = new Map<string, Value>();

  constructor(g: GraphBuilder, graph: Graph, wrt: readonly string[]) {
    this.#g = g;
    this.#graph = graph;
    this.#active = dependants(graph.nodes, wrt).names;
  }

  get(name: string): Value | undefined {
    return this.#cotangents.get(name);
  }

  accumulate(name: string, cotangent: Value): void {
    const { shape } = valueOf(this.#graph, name);
    const target = unbroadcast(this.#g, cotangent, shape);
    const sum = this.get(name);
    this.#cotangents.set(name, sum ? this.#g.add(sum, target) : target);
  }

  #wants(name: string): boolean {
    return this.#active.has(name) &&
      valueOf(this.#graph, name).dtype.startsWith("float");
  }

  /** Sends the cotangents of a node's outputs to its inputs. */
  through(node: Node): void {
    const cotangents = node.outputs.map((name) => this.get(name) ?? null);
    if (cotangents.every((c) => c === null)) return;
    if (!node.inputs.some((name) => this.#wants(name))) return;
    const { vjp } = operatorOf(node);
    if (!vjp) {
      throw new RangeError(
        `Cannot differentiate graph "${this.#graph.name}": no VJP rule for operator ${node.op} (node "${node.name}")`,
      );
    }
    const results = this.#g.scope(
      `vjp/${node.name}`,
      () => vjp(this.#call(node, cotangents)),
    );
    const count = results.findLastIndex((c) => c !== null) + 1;
    if (count > node.inputs.length) {
      throw new Error(
        `Cannot differentiate node "${node.name}" (${node.op}): its rule returned ${count} cotangents, expected at most ${node.inputs.length}`,
      );
    }
    results.forEach((c, i) => {
      if (c && this.#wants(node.inputs[i])) this.accumulate(node.inputs[i], c);
    });
  }

  #call(node: Node, cotangents: readonly (Value | null)[]): VjpCall {
    const valueAt = (name: string) => valueOf(this.#graph, name);
    const inputs = node.inputs.map((name) => name ? valueAt(name) : null);
    const outputs = node.outputs.map(valueAt);
    return {
      g: this.#g,
      node,
      inputs,
      x: inputs[0]!,
      outputs,
      y: outputs[0],
      cotangents,
      dy: cotangents[0]!,
      wants: (i) => i < node.inputs.length && this.#wants(node.inputs[i]),
      constant: (i) => constantInts(this.#graph, node, i),
    };
  }
}

/**
 * The VJP graph of `graph`.
 *
 * Inputs: the inputs of `graph`, then the `given` values that are read, then one
 * `<output>:cotangent` per output (unless `seed` is `ones`). Outputs: one
 * `<name>:gradient` per target, with the target's shape, then the kept forward
 * outputs. A target that no output depends on has gradient zero.
 *
 * @throws {RangeError} If a name is unknown or an operator has no rule (the message names the node).
 * @throws {TypeError} If a target is not a float.
 *
 * @example The gradient of a square's sum
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { GraphBuilder } from "../onnx/builder.ts";
 * import { openSession } from "../runtime/session.ts";
 * import { float32 } from "../tensor/tensor.ts";
 *
 * const g = new GraphBuilder("square");
 * const x = g.input("x", "float32", [3]);
 * const gradient = vjpGraph(g.build({ y: g.mul(x, x) }), {
 *   wrt: ["x"],
 *   seed: "ones",
 * });
 * await using session = await openSession(gradient);
 * const result = await session.run({ x: float32([3], [1, 2, 3]) });
 *
 * assertEquals([...result[gradientOf("x")].data], [2, 4, 6]);
 * ```
 */
export function vjpGraph(
  graph: Graph,
  { wrt, keep = [], given = [], seed = "input" }: VjpOptions,
): Graph {
  wrt.forEach((name) => checkTarget(graph, name));
  const forward = withInputs(graph, given);
  const g = GraphBuilder.continuing(forward, `${graph.name}:vjp`);
  const backward = new Backward(g, graph, wrt);
  for (const { name, dtype, shape } of graph.outputs) {
    const cotangent = seed === "input"
      ? g.input(cotangentOf(name), dtype, shape)
      : g.expand(g.scalar(1), shape);
    backward.accumulate(name, cotangent);
  }
  for (const node of graph.nodes.toReversed()) backward.through(node);
  const results: Record<string, Value> = {};
  for (const name of wrt) {
    results[gradientOf(name)] = backward.get(name) ??
      g.constant(zeros(valueOf(graph, name).shape));
  }
  for (const name of keep) results[name] = g.value(name);
  return withoutUnread(g.build(results), given);
}

/** The graph with the named values as inputs, and without the nodes that compute them. */
const withInputs = (graph: Graph, names: readonly string[]): Graph => ({
  ...graph,
  inputs: [...graph.inputs, ...names.map((name) => valueOf(graph, name))],
  nodes: graph.nodes.filter(({ outputs }) =>
    !outputs.some((name) => names.includes(name))
  ),
});

/** The graph with its parameters as inputs, after its own inputs: the form for training. */
export function parametersAsInputs(graph: Graph): Graph {
  const all = [...graph.initializers];
  const parameters = all.filter(([, { role }]) => role === "parameter");
  return {
    ...graph,
    inputs: [
      ...graph.inputs,
      ...parameters.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    ],
    initializers: new Map(all.filter(([, { role }]) => role !== "parameter")),
  };
}
