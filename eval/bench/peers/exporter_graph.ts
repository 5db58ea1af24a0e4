/**
 * The graph that `torch.onnx` writes for a network, made from our graph, to be
 * timed beside it: people run such graphs today. Both of PyTorch's exporters, the
 * tracing one and the one after `torch.export`, spell out fused operators:
 *
 * - attention (`scaled_dot_product_attention`): heads split by Reshape and
 *   Transpose, queries and transposed keys each times √s, MatMul, Softmax,
 *   MatMul, heads merged;
 * - a linear layer on more than two axes: Transpose of the weight, MatMul, Add;
 * - SiLU: Sigmoid, Mul; GELU: Div, Erf, Add, Mul, Mul; its tanh form likewise;
 * - GroupNorm: Reshape, InstanceNormalization, Reshape, Mul, Add.
 *
 * LayerNormalization (opset 17), Conv and Gemm on two axes are not changed.
 * Weights are not moved, in memory or in files: the Transpose of a weight is a
 * node of the graph. ONNX Runtime folds it when it loads the graph, as the tracing
 * exporter would have when it writes it, so this graph is as fast as the file of
 * either exporter.
 */
import {
  type Graph,
  type GraphBuilder,
  type Node,
  type RewriteCall,
  rewritten,
  splitHeads,
  type Value,
  valueOf,
} from "@dip-go/core/onnx";
import { sameShape } from "@dip-go/core/tensor";

/** A node that is about to be rewritten, with its first input as `x`. */
interface Call extends RewriteCall {
  readonly x: Value;
}

type Spelling = (call: Call) => Value;

/** MultiHeadAttention; see {@linkcode GraphBuilder.multiHeadAttention} for shapes. */
const attention: Spelling = ({ g, node, inputs, x }) => {
  const heads = node.attributes.num_heads ?? 1;
  const [batch, length, width] = x.shape;
  const scale = node.attributes.scale || 1 / Math.sqrt(width / heads);
  const root = () => g.scalar(Math.sqrt(scale));
  const [q, v] = [x, inputs[2]!].map((of) => splitHeads(g, of, { heads }));
  const keys = inputs[1]!;
  const split = [batch, keys.shape[1], heads, width / heads];
  const k = g.transpose(g.reshape(keys, split), [0, 2, 3, 1]);
  const scores = g.matMul(g.mul(q, root()), g.mul(k, root()));
  const bias = inputs[5];
  const weights = g.softmax(bias ? g.add(scores, bias) : scores);
  const mixed = g.transpose(g.matMul(weights, v), [0, 2, 1, 3]);
  return g.reshape(mixed, [batch, length, width]);
};

/** x · sigmoid(αx) */
const quickGelu: Spelling = ({ g, node, x }) => {
  const alpha = node.attributes.alpha ?? 1;
  return g.mul(x, g.sigmoid(alpha === 1 ? x : g.mul(x, g.scalar(alpha))));
};

/** ½ x (1 + erf(x / √2)), or ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
const gelu: Spelling = ({ g, node, x }) => {
  const [half, one] = [g.scalar(0.5), g.scalar(1)];
  if ((node.attributes.approximate ?? "none") === "none") {
    const erf = g.erf(g.div(x, g.scalar(Math.SQRT2)));
    return g.mul(g.mul(x, g.add(erf, one)), half);
  }
  const cube = g.mul(g.mul(x, x), x);
  const inner = g.add(x, g.mul(cube, g.scalar(0.044715)));
  const tanh = g.tanh(g.mul(inner, g.scalar(Math.sqrt(2 / Math.PI))));
  return g.mul(half, g.mul(x, g.add(tanh, one)));
};

/** The exporter's spelling of each operator of ours that ONNX lacks or exporters do not write. */
const spellings: Readonly<Record<string, Spelling>> = {
  Gelu: gelu,
  MultiHeadAttention: attention,
  QuickGelu: quickGelu,
};

/** The node that makes each value of a graph, and the nodes that read the value. */
const wiringOf = (graph: Graph) => ({
  graph,
  producers: new Map(
    graph.nodes.flatMap((node) => node.outputs.map((made) => [made, node])),
  ),
  readers: Map.groupBy(
    graph.nodes.flatMap((node) => node.inputs.map((read) => ({ read, node }))),
    ({ read }) => read,
  ),
});

/** The input `[..., in]` of our linear layer on more than two axes, a Gemm between Reshapes; null for other nodes. */
function stackedRows(
  { op, inputs: [rows], outputs: [y] }: Node,
  { graph, producers, readers }: ReturnType<typeof wiringOf>,
): string | null {
  const reshape = producers.get(rows);
  if (op !== "Gemm" || reshape?.op !== "Reshape") return null;
  const { name, shape } = valueOf(graph, reshape.inputs[0]);
  const sameWidth = shape.at(-1) === valueOf(graph, rows).shape[1];
  const reshaped = readers.get(y)?.every(({ node }) => node.op === "Reshape");
  return shape.length > 2 && sameWidth && reshaped ? name : null;
}

/** A linear layer on more than two axes: `[..., in]` → `[..., width]`. */
function stackedLinear(g: GraphBuilder, x: Value, call: Call): Value {
  const [, weight, bias] = call.inputs;
  const y = g.matMul(x, g.transpose(weight!, [1, 0]));
  return bias ? g.add(y, bias) : y;
}

/**
 * Rewrites a graph into the exporter's form, with the same inputs and outputs.
 *
 * @throws {RangeError} If an operator is ONNX Runtime's own and has no spelling here.
 */
export function exporterGraph(graph: Graph): Graph {
  const wiring = wiringOf(graph);
  return rewritten(graph, {
    rule(rewrite) {
      const { g, node, made } = rewrite;
      const call = { ...rewrite, x: rewrite.inputs[0]! };
      const rows = stackedRows(node, wiring);
      if (rows) return [stackedLinear(g, made(rows), call)];
      const isDone = node.op === "Reshape" &&
        sameShape(call.x.shape, valueOf(graph, node.outputs[0]).shape);
      if (isDone) return [call.x];
      const spelling = spellings[node.op];
      if (spelling) return [spelling(call)];
      if (node.domain === "") return undefined;
      throw new RangeError(
        `Cannot spell out node "${node.name}": no exporter writes operator ${node.domain}.${node.op}`,
      );
    },
  });
}
