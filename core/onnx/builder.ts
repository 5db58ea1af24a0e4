/**
 * A graph in the making. Shapes are inferred as nodes are added, so a mistake
 * fails where it is made.
 */
import type { DType, Tensor } from "../tensor/tensor.ts";
import {
  type Attributes,
  constantInts,
  type Graph,
  type Initializer,
  type Loop,
  type Node,
  type Value,
  valueOf,
} from "./graph.ts";
import { makersOf } from "./reach.ts";
import { Operations } from "./operations.ts";
import { inferShapes, operatorOf } from "./ops/registry.ts";

/**
 * Builds one {@linkcode Graph}; values are handles that only this builder
 * understands. {@linkcode Operations} has a method an operator.
 *
 * @example A layer
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const g = new GraphBuilder("layer");
 * const x = g.input("x", "float32", [2, 4]);
 * const y = g.relu(g.matMul(x, g.parameter("w", [4, 3])));
 *
 * assertEquals(g.build({ y }).outputs, [{ name: "y", dtype: "float32", shape: [2, 3] }]);
 * ```
 */
export class GraphBuilder extends Operations {
  readonly name: string;
  /** The graph's loop, which `emitLoop` sets. */
  loop?: Loop;
  #inputs: Value[] = [];
  #initializers = new Map<string, Initializer>();
  #nodes: Node[] = [];
  #values = new Map<string, Value>();
  /** Names of a continued graph's nodes, which may not be names of values: build() renames outputs. */
  #nodeNames = new Set<string>();
  #scope: string[] = [];
  #single = false;
  #uses = new Map<string, number>();

  constructor(name: string) {
    super();
    this.name = name;
  }

  /** A builder that continues `graph`: its inputs, initializers, nodes and values stay, its outputs are open again. */
  static continuing(graph: Graph, name: string): GraphBuilder {
    const g = new GraphBuilder(name);
    g.#inputs = [...graph.inputs];
    g.#initializers = new Map(graph.initializers);
    g.#nodes = [...graph.nodes];
    g.#values = new Map(graph.values);
    g.#nodeNames = new Set(graph.nodes.map((node) => node.name));
    g.loop = graph.loop;
    return g;
  }

  /** Runs `body` with node names prefixed by a module path, `down_blocks.0`. */
  scope<T>(path: string, body: () => T): T {
    this.#scope.push(path);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /** Runs `body`; the nodes that it adds compute in float32 in every precision. */
  inSingle<T>(body: () => T): T {
    const before = this.#single;
    this.#single = true;
    try {
      return body();
    } finally {
      this.#single = before;
    }
  }

  /** The value called `name`. @throws {RangeError} If there is none. */
  value(name: string): Value {
    return valueOf({ name: this.name, values: this.#values }, name);
  }

  initializer(name: string): Initializer | undefined {
    return this.#initializers.get(name);
  }

  /** A graph input. @throws {RangeError} If the name is taken. */
  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const value = this.#declare({ name, dtype, shape });
    this.#inputs.push(value);
    return value;
  }

  /**
   * A model weight, float32 by default; later calls with its name return the same
   * value. Its data may be in memory, in a file, or absent. With role `constant` it
   * has a name and data like a weight but does not count as one.
   */
  parameter(
    name: string,
    shape: readonly number[],
    source:
      & { dtype?: DType; role?: Initializer["role"] }
      & Pick<Initializer, "data" | "file"> = {},
  ): Value {
    const known = this.#initializers.get(name);
    if (known) return known;
    const initializer: Initializer = {
      name,
      dtype: "float32",
      shape,
      role: "parameter",
      ...source,
    };
    this.#initializers.set(name, initializer);
    return this.#declare(initializer);
  }

  constant(data: Tensor): Value {
    const { dtype, shape } = data;
    const value = { name: this.#unique("constant"), dtype, shape };
    this.#initializers.set(value.name, { ...value, data, role: "constant" });
    return this.#declare(value);
  }

  #declare<V extends Value>(value: V): V {
    if (this.#values.has(value.name)) {
      throw new RangeError(
        `Cannot add value "${value.name}" to graph "${this.name}": the name is taken`,
      );
    }
    this.#values.set(value.name, value);
    return value;
  }

  #unique(base: string): string {
    for (;;) {
      const n = this.#uses.get(base) ?? 0;
      this.#uses.set(base, n + 1);
      const name = n === 0 ? base : `${base}_${n}`;
      if (!this.#values.has(name) && !this.#nodeNames.has(name)) return name;
    }
  }

  node(
    op: string,
    inputs: readonly (Value | null)[],
    { attributes = {}, domain, outputs = 1 }: {
      attributes?: Attributes;
      domain?: string;
      outputs?: number;
    } = {},
  ): Value[] {
    const name = this.#unique([...this.#scope, op].join("/"));
    const node: Node = {
      op,
      domain: domain ?? operatorOf({ op, name }).domain ?? "",
      name,
      inputs: inputs.map((v) => v?.name ?? ""),
      outputs: Array.from(
        { length: outputs },
        (_, i) => i === 0 ? name : `${name}:${i}`,
      ),
      attributes,
      ...this.#single ? { single: true } : {},
    };
    const inferred = inferShapes({
      node,
      inputs: inputs.map((v) => v && this.value(v.name)),
      constant: (i) =>
        constantInts({ initializers: this.#initializers }, node, i),
    });
    this.#nodes.push(node);
    return inferred.map(({ dtype, shape }, i) =>
      this.#declare({ name: node.outputs[i], dtype, shape })
    );
  }

  substitute(from: Value, to: Value): void {
    const needed = makersOf(this.#nodes, [to.name]);
    const reads = (node: Node) => node.inputs.includes(from.name);
    if ([...needed].some(reads)) {
      throw new RangeError(
        `Cannot substitute "${to.name}" for "${from.name}" in graph "${this.name}": it is computed from it`,
      );
    }
    const first = this.#nodes.findIndex(reads);
    if (first === -1) return;
    const later = this.#nodes.slice(first);
    const rename = (name: string) => name === from.name ? to.name : name;
    this.#nodes = [
      ...this.#nodes.slice(0, first),
      ...later.filter((node) => needed.has(node)),
      ...later.filter((node) => !needed.has(node)).map((node) => ({
        ...node,
        inputs: node.inputs.map(rename),
      })),
    ];
  }

  /**
   * The finished graph, without nodes and initializers that no output needs.
   * Inputs all stay: they are the graph's signature.
   *
   * @param outputs Public name of each output and its value.
   */
  build(outputs: Readonly<Record<string, Value>>): Graph {
    const named = Object.entries(outputs).map(([name, value]) => ({
      name,
      value: this.#output(name, value),
    }));
    const makers = makersOf(this.#nodes, named.map(({ value }) => value.name));
    const nodes = this.#nodes.filter((node) => makers.has(node));
    const read = new Set(nodes.flatMap(({ inputs }) => inputs));
    const rename = new Map(named.map(({ name, value }) => [value.name, name]));
    const to = (name: string) => rename.get(name) ?? name;
    const renamed = nodes.map((n) => ({
      ...n,
      inputs: n.inputs.map(to),
      outputs: n.outputs.map(to),
    }));
    const initializers = new Map(
      [...this.#initializers].filter(([name]) => read.has(name)),
    );
    const values = new Map<string, Value>();
    const keep = (v: Value) =>
      values.set(to(v.name), { ...v, name: to(v.name) });
    this.#inputs.forEach(keep);
    initializers.forEach(keep);
    for (const node of nodes) for (const o of node.outputs) keep(this.value(o));
    return {
      name: this.name,
      inputs: this.#inputs,
      outputs: named.map(({ name }) => values.get(name)!),
      initializers,
      nodes: renamed,
      values,
      ...this.loop ? { loop: this.loop } : {},
    };
  }

  #outputsTaken = new Set<string>();
  /** The value to rename to `name`: a copy if it is an input, an initializer or an output already. */
  #output(name: string, value: Value): Value {
    const produced = this.#nodes.some((n) => n.outputs.includes(value.name));
    const fresh = produced && !this.#outputsTaken.has(value.name);
    const own = fresh
      ? this.value(value.name)
      : this.identity(this.value(value.name));
    if (own.name !== name && this.#values.has(name)) {
      throw new RangeError(
        `Cannot name an output "${name}" in graph "${this.name}": the name is taken`,
      );
    }
    this.#outputsTaken.add(own.name);
    return own;
  }
}
