/**
 * A typed graph builder: one method an operator, named as in the ONNX
 * specification (opset 20), attributes with the specification's defaults.
 * Shapes are inferred as nodes are added, so a mistake fails where it is made.
 */
import {
  type DType,
  int64,
  sizeOf,
  type Tensor,
  tensor,
} from "../tensor/tensor.ts";
import { float, int, ints, string } from "./attributes.ts";
import { dataTypes } from "./data_types.ts";
import type { Attribute, Graph, Initializer, Node, Value } from "./graph.ts";
import { inferShapes, normalizeAxis } from "./ops/shape_call.ts";

type Attributes = Readonly<Record<string, Attribute>>;

/** Sliding window attributes of Conv, ConvTranspose and pools; 2-D defaults. */
export interface Window {
  readonly strides?: readonly number[];
  /** `[top, left, bottom, right]`. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
}

const microsoft = "com.microsoft";

function windowAttributes(
  { strides, pads, dilations }: Window,
): Record<string, Attribute> {
  return {
    strides: ints(strides ?? [1, 1]),
    pads: ints(pads ?? [0, 0, 0, 0]),
    dilations: ints(dilations ?? [1, 1]),
  };
}

/** Builds one {@linkcode Graph}; values are handles that only this builder understands. */
export class GraphBuilder {
  readonly name: string;
  #inputs: Value[] = [];
  #initializers = new Map<string, Initializer>();
  #nodes: Node[] = [];
  #values = new Map<string, Value>();
  /** build() renames outputs, so a node's name may be no value's. */
  #nodeNames = new Set<string>();
  #scope: string[] = [];
  #single = false;
  #uses = new Map<string, number>();

  constructor(name: string) {
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

  /** Runs `body`; what it adds computes in float32 in every precision. */
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
    const value = this.#values.get(name);
    if (!value) {
      throw new RangeError(
        `Cannot find value "${name}" in graph "${this.name}"`,
      );
    }
    return value;
  }

  /** The initializer called `name`, if it is one. */
  initializer(name: string): Initializer | undefined {
    return this.#initializers.get(name);
  }

  /** A graph input. @throws {RangeError} If the name is taken. */
  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const value = this.#declare({ name, dtype, shape });
    this.#inputs.push(value);
    return value;
  }

  /** A model weight, float32 unless `source` says so; declared once, later calls with the same name return it. Its data may be in memory, in a file, or absent. */
  parameter(
    name: string,
    shape: readonly number[],
    source:
      & { dtype?: DType }
      & Pick<Initializer, "data" | "file" | "half"> = {},
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

  /** A constant tensor. */
  constant(data: Tensor): Value {
    const name = this.#unique("constant");
    const { dtype, shape } = data;
    this.#initializers.set(name, {
      name,
      dtype,
      shape,
      data,
      role: "constant",
    });
    return this.#declare({ name, dtype, shape });
  }

  /** A float32 scalar. */
  scalar(value: number): Value {
    return this.constant(tensor("float32", [], Float32Array.of(value)));
  }

  /** A one-dimensional int64 constant. */
  ints(values: readonly number[]): Value {
    return this.constant(int64([values.length], values));
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

  /** Adds a node of any operator that has a shape rule; the methods below are its typed forms. */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    { attributes = {}, domain = "", outputs = 1 }: {
      attributes?: Attributes;
      domain?: string;
      outputs?: number;
    } = {},
  ): Value[] {
    const name = this.#unique([...this.#scope, op].join("/"));
    const node: Node = {
      op,
      domain,
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
      constant: (i) => this.constantInts(node.inputs[i], node),
    });
    this.#nodes.push(node);
    return inferred.map(({ dtype, shape }, i) =>
      this.#declare({ name: node.outputs[i], dtype, shape })
    );
  }

  /** Integers of a constant. @throws {RangeError} If `name` is no constant with data in memory. */
  constantInts(name: string, node: Node): number[] {
    const data = this.#initializers.get(name)?.data?.data;
    if (!data) {
      throw new RangeError(
        `Cannot read input "${name}" of node "${node.name}" (${node.op}): it must be a constant`,
      );
    }
    return Array.from(data as ArrayLike<number | bigint>, Number);
  }

  /**
   * Makes the nodes that read `from` read `to` instead, which is computed before
   * the first of them.
   *
   * @throws {RangeError} If `to` is computed from `from`.
   */
  substitute(from: Value, to: Value): void {
    const maker = new Map(
      this.#nodes.flatMap((node) => node.outputs.map((o) => [o, node])),
    );
    const needed = new Set<Node>();
    const need = (name: string): void => {
      const node = maker.get(name);
      if (!node || needed.has(node)) return;
      needed.add(node);
      node.inputs.forEach(need);
    };
    need(to.name);
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

  #one(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    domain = "",
  ): Value {
    return this.node(op, inputs, { attributes, domain })[0];
  }

  // Elementwise.
  abs(x: Value): Value {
    return this.#one("Abs", [x]);
  }
  cos(x: Value): Value {
    return this.#one("Cos", [x]);
  }
  erf(x: Value): Value {
    return this.#one("Erf", [x]);
  }
  exp(x: Value): Value {
    return this.#one("Exp", [x]);
  }
  floor(x: Value): Value {
    return this.#one("Floor", [x]);
  }
  identity(x: Value): Value {
    return this.#one("Identity", [x]);
  }
  log(x: Value): Value {
    return this.#one("Log", [x]);
  }
  neg(x: Value): Value {
    return this.#one("Neg", [x]);
  }
  reciprocal(x: Value): Value {
    return this.#one("Reciprocal", [x]);
  }
  relu(x: Value): Value {
    return this.#one("Relu", [x]);
  }
  sigmoid(x: Value): Value {
    return this.#one("Sigmoid", [x]);
  }
  sign(x: Value): Value {
    return this.#one("Sign", [x]);
  }
  sin(x: Value): Value {
    return this.#one("Sin", [x]);
  }
  sqrt(x: Value): Value {
    return this.#one("Sqrt", [x]);
  }
  tanh(x: Value): Value {
    return this.#one("Tanh", [x]);
  }
  gelu(
    x: Value,
    { approximate = "none" }: { approximate?: "none" | "tanh" } = {},
  ): Value {
    return this.#one("Gelu", [x], { approximate: string(approximate) });
  }
  /** x · sigmoid(αx), ONNX Runtime's fused form; α = 1 is SiLU. */
  quickGelu(x: Value, { alpha = 1.702 }: { alpha?: number } = {}): Value {
    return this.#one("QuickGelu", [x], { alpha: float(alpha) }, microsoft);
  }
  silu(x: Value): Value {
    return this.quickGelu(x, { alpha: 1 });
  }
  add(a: Value, b: Value): Value {
    return this.#one("Add", [a, b]);
  }
  sub(a: Value, b: Value): Value {
    return this.#one("Sub", [a, b]);
  }
  mul(a: Value, b: Value): Value {
    return this.#one("Mul", [a, b]);
  }
  div(a: Value, b: Value): Value {
    return this.#one("Div", [a, b]);
  }
  pow(a: Value, b: Value): Value {
    return this.#one("Pow", [a, b]);
  }
  max(a: Value, b: Value): Value {
    return this.#one("Max", [a, b]);
  }
  min(a: Value, b: Value): Value {
    return this.#one("Min", [a, b]);
  }
  equal(a: Value, b: Value): Value {
    return this.#one("Equal", [a, b]);
  }
  greater(a: Value, b: Value): Value {
    return this.#one("Greater", [a, b]);
  }
  less(a: Value, b: Value): Value {
    return this.#one("Less", [a, b]);
  }
  where(condition: Value, a: Value, b: Value): Value {
    return this.#one("Where", [condition, a, b]);
  }
  cast(x: Value, to: DType): Value {
    return this.#one("Cast", [x], { to: int(dataTypes[to]) });
  }

  // Products.
  matMul(a: Value, b: Value): Value {
    return this.#one("MatMul", [a, b]);
  }
  /**
   * alpha · op(A) op(B) on the last two axes, transposes fused (com.microsoft).
   * With `transBatchA`, A's first axis stands last but one: `[M, ..., K]` is
   * read as `[..., M, K]`.
   */
  fusedMatMul(
    a: Value,
    b: Value,
    { alpha = 1, transA = 0, transB = 0, transBatchA = 0 }: {
      alpha?: number;
      transA?: 0 | 1;
      transB?: 0 | 1;
      transBatchA?: 0 | 1;
    } = {},
  ): Value {
    const attributes = {
      alpha: float(alpha),
      transA: int(transA),
      transB: int(transB),
      ...transBatchA ? { transBatchA: int(1) } : {},
    };
    return this.#one("FusedMatMul", [a, b], attributes, microsoft);
  }
  gemm(
    a: Value,
    b: Value,
    c: Value | null = null,
    { alpha = 1, beta = 1, transA = 0, transB = 0 }: {
      alpha?: number;
      beta?: number;
      transA?: 0 | 1;
      transB?: 0 | 1;
    } = {},
  ): Value {
    const attributes = {
      alpha: float(alpha),
      beta: float(beta),
      transA: int(transA),
      transB: int(transB),
    };
    return this.#one("Gemm", c ? [a, b, c] : [a, b], attributes);
  }
  conv(
    x: Value,
    w: Value,
    b: Value | null = null,
    { group = 1, ...window }: Window & { group?: number } = {},
  ): Value {
    const attributes = {
      ...windowAttributes(window),
      group: int(group),
      kernel_shape: ints(w.shape.slice(2)),
    };
    return this.#one("Conv", b ? [x, w, b] : [x, w], attributes);
  }
  convTranspose(
    x: Value,
    w: Value,
    b: Value | null = null,
    { group = 1, outputPadding = [0, 0], ...window }: Window & {
      group?: number;
      outputPadding?: readonly number[];
    } = {},
  ): Value {
    const attributes = {
      ...windowAttributes(window),
      group: int(group),
      kernel_shape: ints(w.shape.slice(2)),
      output_padding: ints(outputPadding),
    };
    return this.#one("ConvTranspose", b ? [x, w, b] : [x, w], attributes);
  }
  /** Channels to places, the block's place first: `[B, b·b·C, H, W]` → `[B, C, b·H, b·W]`. */
  depthToSpace(x: Value, { blockSize }: { blockSize: number }): Value {
    return this.#one("DepthToSpace", [x], { blocksize: int(blockSize) });
  }
  /**
   * Fused attention on packed heads: query `[B, L, D]`, key and value `[B, S, D]`
   * → `[B, L, D]`. Scores are multiplied by `scale`, by default 1/√(D/heads);
   * then `bias` `[B or 1, heads or 1, L, S]` is added to them.
   */
  multiHeadAttention(
    query: Value,
    key: Value,
    value: Value,
    { heads, bias = null, scale }: {
      heads: number;
      bias?: Value | null;
      scale?: number;
    },
  ): Value {
    const own = [query, key, value];
    const inputs = bias ? [...own, null, null, bias] : own;
    const attributes = {
      num_heads: int(heads),
      ...(scale === undefined ? {} : { scale: float(scale) }),
    };
    return this.#one("MultiHeadAttention", inputs, attributes, microsoft);
  }

  // Normalisation and reduction.
  softmax(x: Value, { axis = -1 }: { axis?: number } = {}): Value {
    return this.#one("Softmax", [x], { axis: int(axis) });
  }
  layerNormalization(
    x: Value,
    scale: Value,
    bias: Value | null = null,
    { axis = -1, epsilon = 1e-5 }: { axis?: number; epsilon?: number } = {},
  ): Value {
    const attributes = { axis: int(axis), epsilon: float(epsilon) };
    return this.#one(
      "LayerNormalization",
      bias ? [x, scale, bias] : [x, scale],
      attributes,
    );
  }
  /** LayerNormalization without bias, with its statistics: the normalised x, and 1/√(σ² + ε) with the normalised axes kept as 1. */
  layerNormalizationStatistics(
    x: Value,
    scale: Value,
    { axis = -1, epsilon = 1e-5 }: { axis?: number; epsilon?: number } = {},
  ): { normalized: Value; inverseDeviation: Value } {
    const attributes = { axis: int(axis), epsilon: float(epsilon) };
    const [normalized, , inverseDeviation] = this.node("LayerNormalization", [
      x,
      scale,
    ], {
      attributes,
      outputs: 3,
    });
    return { normalized, inverseDeviation };
  }
  instanceNormalization(
    x: Value,
    scale: Value,
    bias: Value,
    { epsilon = 1e-5 }: { epsilon?: number } = {},
  ): Value {
    return this.#one("InstanceNormalization", [x, scale, bias], {
      epsilon: float(epsilon),
    });
  }
  reduceMean(
    x: Value,
    options: { axes?: readonly number[]; keepDims?: boolean } = {},
  ): Value {
    return this.#reduce("ReduceMean", x, options);
  }
  reduceSum(
    x: Value,
    options: { axes?: readonly number[]; keepDims?: boolean } = {},
  ): Value {
    return this.#reduce("ReduceSum", x, options);
  }
  reduceMax(
    x: Value,
    options: { axes?: readonly number[]; keepDims?: boolean } = {},
  ): Value {
    return this.#reduce("ReduceMax", x, options);
  }
  #reduce(
    op: string,
    x: Value,
    { axes, keepDims = true }: { axes?: readonly number[]; keepDims?: boolean },
  ): Value {
    const inputs = axes ? [x, this.ints(axes)] : [x];
    return this.#one(op, inputs, { keepdims: int(keepDims ? 1 : 0) });
  }

  // Shape.
  reshape(x: Value, shape: readonly number[]): Value {
    return this.#one("Reshape", [x, this.ints(shape)]);
  }
  transpose(x: Value, perm: readonly number[]): Value {
    return this.#one("Transpose", [x], { perm: ints(perm) });
  }
  concat(values: readonly Value[], { axis }: { axis: number }): Value {
    return this.#one("Concat", values, { axis: int(axis) });
  }
  slice(
    x: Value,
    { axes, starts, ends, steps }: {
      axes: readonly number[];
      starts: readonly number[];
      ends: readonly number[];
      steps?: readonly number[];
    },
  ): Value {
    const inputs = [x, this.ints(starts), this.ints(ends), this.ints(axes)];
    return this.#one("Slice", steps ? [...inputs, this.ints(steps)] : inputs);
  }
  split(
    x: Value,
    sizes: readonly number[],
    { axis }: { axis: number },
  ): Value[] {
    return this.node("Split", [x, this.ints(sizes)], {
      attributes: { axis: int(axis) },
      outputs: sizes.length,
    });
  }
  /** Equal parts along `axis`, as torch.chunk gives where it divides. */
  chunk(x: Value, parts: number, { axis }: { axis: number }): Value[] {
    const size = x.shape[normalizeAxis(axis, x.shape.length)] / parts;
    return this.split(x, Array(parts).fill(size), { axis });
  }
  /** Constant zero padding; pads `[begin..., end...]` over every axis. */
  pad(x: Value, pads: readonly number[]): Value {
    return this.#one("Pad", [x, this.ints(pads)], { mode: string("constant") });
  }
  expand(x: Value, shape: readonly number[]): Value {
    return this.#one("Expand", [x, this.ints(shape)]);
  }
  gather(
    data: Value,
    indices: Value,
    { axis = 0 }: { axis?: number } = {},
  ): Value {
    return this.#one("Gather", [data, indices], { axis: int(axis) });
  }
  /** data with updates added (or written) at the index tuples. */
  scatterND(
    data: Value,
    indices: Value,
    updates: Value,
    { reduction = "none" }: { reduction?: "none" | "add" } = {},
  ): Value {
    return this.#one("ScatterND", [data, indices, updates], {
      reduction: string(reduction),
    });
  }
  /** Resize to `sizes` (all axes). `asymmetric` + `floor` is PyTorch's nearest; `half_pixel` and `align_corners` are its bilinear modes. */
  resize(
    x: Value,
    sizes: readonly number[],
    { mode = "nearest", coordinates = "asymmetric" }: {
      mode?: "nearest" | "linear";
      coordinates?: "asymmetric" | "half_pixel" | "align_corners";
    } = {},
  ): Value {
    return this.#one("Resize", [x, null, null, this.ints(sizes)], {
      mode: string(mode),
      coordinate_transformation_mode: string(coordinates),
      nearest_mode: string("floor"),
    });
  }
  averagePool(
    x: Value,
    { kernel, ...window }: Window & { kernel: readonly number[] },
  ): Value {
    const attributes = {
      ...windowAttributes(window),
      kernel_shape: ints(kernel),
      count_include_pad: int(1),
    };
    return this.#one("AveragePool", [x], attributes);
  }
  maxPool(
    x: Value,
    { kernel, ...window }: Window & { kernel: readonly number[] },
  ): Value {
    return this.#one("MaxPool", [x], {
      ...windowAttributes(window),
      kernel_shape: ints(kernel),
    });
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
    const needed = new Set(named.map(({ value }) => value.name));
    const nodes: Node[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((o) => needed.has(o))) continue;
      node.inputs.forEach((i) => needed.add(i));
      nodes.push(node);
    }
    const rename = new Map(named.map(({ name, value }) => [value.name, name]));
    const to = (name: string) => rename.get(name) ?? name;
    const renamed = nodes.toReversed().map((n) => ({
      ...n,
      inputs: n.inputs.map(to),
      outputs: n.outputs.map(to),
    }));
    const initializers = new Map(
      [...this.#initializers].filter(([name]) => needed.has(name)),
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
    };
  }

  /** The value to rename to `name`: a copy where it is an input, an initializer or another output already. */
  #outputsTaken = new Set<string>();
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

  /** Number of elements of a value. */
  static size(value: Value): number {
    return sizeOf(value.shape);
  }
}
