/**
 * A graph in float16 (Micikevicius et al., 2018): weights and arithmetic in
 * half precision, float32 where it matters. Inputs and outputs stay as they
 * are, so a sampler does not notice.
 */
import { float32ToFloat16 } from "../weights/float16.ts";
import { describe, type Tensor, tensor } from "../tensor.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Graph, Initializer, Node, Value } from "./graph.ts";
import { copied, rewritten } from "./rewrite.ts";

/**
 * Operators that sum or exponentiate many values: norms, softmax, reductions.
 * The softmax inside a fused attention is the provider's own, which sums in
 * float32.
 */
const inSingle: ReadonlySet<string> = new Set([
  "Cos",
  "Exp",
  "Floor",
  "InstanceNormalization",
  "LayerNormalization",
  "Log",
  "Pow",
  "ReduceMean",
  "ReduceSum",
  "Sin",
  "Softmax",
]);

/** The largest float16. */
const largest = 65504;

/**
 * Every float32 operator in float16, except norms, softmax, reductions and
 * what leads to a sine or cosine: a timestep's angles have more digits than
 * float16. Casts stand at the borders.
 *
 * @throws {RangeError} If a weight is larger than float16 holds.
 */
export function halfPrecision(graph: Graph): Graph {
  const angles = towardsAngles(graph);
  const isSingle = (node: Node) =>
    angles.has(node) || inSingle.has(node.op) ||
    node.outputs.some((name) => graph.values.get(name)!.dtype !== "float32");
  const casts = new Map<string, Value>();
  return rewritten(graph, {
    rule({ g, node, inputs }) {
      if (node.op === "Cast") return undefined;
      const dtype = isSingle(node) ? "float32" : "float16";
      const own = inputs.map((x) => x && casted(g, x, { dtype, casts }));
      return copied({ g, node, inputs: own });
    },
    output: (g, x) => casted(g, x, { dtype: "float32", casts }),
  });
}

/** Nodes that a sine or cosine depends on, and these. */
function towardsAngles({ nodes }: Graph): Set<Node> {
  const wanted = new Set<string>();
  const found = new Set<Node>();
  for (const node of nodes.toReversed()) {
    const angle = node.op === "Sin" || node.op === "Cos";
    if (!angle && !node.outputs.some((name) => wanted.has(name))) continue;
    found.add(node);
    node.inputs.forEach((name) => wanted.add(name));
  }
  return found;
}

/** A floating-point value in the dtype; each value is cast once. */
function casted(
  g: GraphBuilder,
  x: Value,
  { dtype, casts }: {
    dtype: "float32" | "float16";
    casts: Map<string, Value>;
  },
): Value {
  const isFloat = x.dtype === "float32" || x.dtype === "float16";
  if (!isFloat || x.dtype === dtype) return x;
  const known = casts.get(x.name);
  if (known) return known;
  const initializer = g.initializer(x.name);
  const value = initializer?.data
    ? g.constant(halfOf(initializer, initializer.data))
    : g.cast(x, dtype); // of a weight in a file: the runtime does it once, when it loads
  casts.set(x.name, value);
  return value;
}

/** Weights that are in memory already: one SubNet's sessions share many. */
const halves = new WeakMap<Tensor, Tensor>();

/** Constants past float16 are masks, for which its ends do. */
function halfOf({ name, role }: Initializer, given: Tensor): Tensor {
  const known = halves.get(given);
  if (known) return known;
  const data = given.data as Float32Array;
  const large = data.find((x) => Math.abs(x) > largest);
  if (large !== undefined && role === "parameter") {
    throw new RangeError(
      `Cannot compute in float16: weight "${name}" ${
        describe(given)
      } holds ${large}, expected at most ${largest}`,
    );
  }
  const clamped = large === undefined
    ? data
    : data.map((x) => Math.min(largest, Math.max(-largest, x)));
  const half = tensor("float16", given.shape, float32ToFloat16(clamped));
  halves.set(given, half);
  return half;
}
