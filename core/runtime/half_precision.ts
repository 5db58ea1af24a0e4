/**
 * A graph in float16 (Micikevicius et al., 2018): weights and arithmetic in half
 * precision, but float32 for operators that need it. Inputs and outputs keep their
 * dtypes, so that a sampler needs no change.
 */
import { float32ToFloat16 } from "../tensor/float16.ts";
import { describe, type DType, type Tensor, tensor } from "../tensor/tensor.ts";
import type { GraphBuilder } from "../onnx/builder.ts";
import type {
  FileRange,
  Graph,
  Initializer,
  Node,
  Value,
} from "../onnx/graph.ts";
import { operatorOf } from "../onnx/ops/registry.ts";
import { makersOf } from "../onnx/reach.ts";
import { copied, rewritten } from "../onnx/rewrites/rewrite.ts";
import { isStored } from "../onnx/file/stored_floats.ts";
import { tensorOf } from "./initializer_data.ts";

/** The largest float16. */
const largest = 65504;

/** How weights that files hold in other floats than float16 are treated. */
export interface HalfPrecisionOptions {
  /**
   * Whether these weights are read and become float16 in the graph, which is then
   * written with half the bytes. By default they stay in their files, and the
   * runtime casts them when it loads the graph.
   */
  readonly stored?: boolean;
}

/**
 * The graph with float32 operators in float16, except norms, softmax, reductions,
 * exponentials, nodes that lead to a sine or cosine (a timestep's angles have more
 * digits than float16) and `single` nodes. Casts stand at the borders.
 *
 * @throws {RangeError} If a weight is larger than float16 holds, or its file ends before its range does.
 */
export function halfPrecision(
  graph: Graph,
  { stored = false }: HalfPrecisionOptions = {},
): Graph {
  const angles = towardsAngles(graph);
  const isSingle = (node: Node) =>
    node.single || angles.has(node) || operatorOf(node).float32 ||
    node.outputs.some((name) => graph.values.get(name)!.dtype !== "float32");
  const casts = new Map<string, Value>();
  /** A floating-point value in the dtype; each value is cast once. */
  const casted = (g: GraphBuilder, x: Value, dtype: DType): Value => {
    const isFloat = x.dtype === "float32" || x.dtype === "float16";
    if (!isFloat || x.dtype === dtype) return x;
    const initializer = g.initializer(x.name);
    const isThere = initializer &&
      (initializer.data || isHalf(initializer) || stored);
    // The runtime casts a weight in a file once, when it loads.
    return casts.getOrInsertComputed(
      x.name,
      () => isThere ? halved(g, initializer) : g.cast(x, dtype),
    );
  };
  return rewritten(graph, {
    rule({ g, node, inputs }) {
      if (node.op === "Cast") return undefined;
      const dtype = isSingle(node) ? "float32" : "float16";
      const own = inputs.map((x) => x && casted(g, x, dtype));
      return copied({ g, node, inputs: own });
    },
    output: (g, x) => casted(g, x, "float32"),
  });
}

/** The sines and cosines, and the nodes that they depend on. */
function towardsAngles({ nodes }: Graph): Set<Node> {
  const angles = nodes.filter((node) =>
    operatorOf(node).float32 === "upstream"
  );
  return makersOf(nodes, angles.flatMap(({ outputs }) => outputs));
}

/** Whether the initializer lies in a file in float16. */
const isHalf = (initializer: Initializer): boolean =>
  isStored(initializer) && initializer.file.stored === "F16";

/** Adds a float32 initializer to a graph in float16. */
function halved(
  g: GraphBuilder,
  initializer: Initializer,
): Value {
  const { name, shape, role, data, file } = initializer;
  const add = (source: { data: Tensor } | { file: FileRange }) =>
    g.parameter(`${name}:float16`, shape, { dtype: "float16", ...source });
  if (isHalf(initializer)) {
    const { stored: _, ...range } = file!;
    return add({ file: range });
  }
  const own = halves.getOrInsertComputed(
    (data ?? file)!,
    () => halfOf(initializer),
  );
  return role === "constant" ? g.constant(own) : add({ data: own });
}

/** The float16 tensors made so far, by data or file range: graphs share many weights. */
const halves = new WeakMap<Tensor | FileRange, Tensor>();

/** An initializer's data in float16. Constants beyond its range are masks, which are clamped to it. */
function halfOf(initializer: Initializer): Tensor {
  const { name, shape, role } = initializer;
  const data = tensorOf(initializer).data as Float32Array;
  const large = data.find((x) => Math.abs(x) > largest);
  if (large !== undefined && role === "parameter") {
    throw new RangeError(
      `Cannot compute in float16: weight "${name}" ${
        describe(initializer)
      } holds ${large}, expected at most ${largest}`,
    );
  }
  const clamped = large === undefined
    ? data
    : data.map((x) => Math.min(largest, Math.max(-largest, x)));
  return tensor("float16", shape, float32ToFloat16(clamped));
}
