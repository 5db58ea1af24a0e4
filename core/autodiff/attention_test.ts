import { assert } from "@std/assert";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import { TorchGenerator } from "../tensor/random.ts";
import { openSession } from "../runtime/session.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import { gradientOf, vjpGraph } from "./vjp.ts";

const [B, L, S, heads, d] = [1, 2048, 4100, 2, 2];
const bias = float32(
  [1, heads, L, S],
  new Float32Array(heads * L * S).map((_, i) => i % 13 / 13),
);

/** Attention by other operators than the fused one. */
function spelledOut(g: GraphBuilder, [q, k, v]: readonly Value[]): Value {
  const split = (x: Value) =>
    g.transpose(g.reshape(x, [B, x.shape[1], heads, d]), [0, 2, 1, 3]);
  const [Q, K, V] = [q, k, v].map(split);
  const alpha = 1 / Math.sqrt(d);
  const scores = g.fusedMatMul(Q, K, { alpha, transB: 1 });
  const P = g.softmax(g.add(scores, g.constant(bias)));
  const O = g.transpose(g.matMul(P, V), [0, 2, 1, 3]);
  return g.reshape(O, [B, L, heads * d]);
}

const fused = (g: GraphBuilder, [q, k, v]: readonly Value[]): Value =>
  g.multiHeadAttention(q, k, v, { heads, bias: g.constant(bias) });

async function gradients(
  attention: typeof fused,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const g = new GraphBuilder("attention");
  const operands = [["q", L], ["k", S], ["v", S]] as const;
  const inputs = operands.map(([name, length]) =>
    g.input(name, "float32", [B, length, heads * d])
  );
  const graph = g.build({ y: attention(g, inputs) });
  await using session = await openSession(
    vjpGraph(graph, { wrt: ["q", "k", "v"] }),
  );
  return await session.run(feeds);
}

Deno.test("attention's gradient in slices of heads and queries equals the plain operators' gradient", async () => {
  const random = new TorchGenerator(0);
  const width = heads * d;
  const feeds = {
    q: random.randn([B, L, width]),
    k: random.randn([B, S, width]),
    v: random.randn([B, S, width]),
    "y:cotangent": random.randn([B, L, width]),
  };
  const found = await gradients(fused, feeds);
  const expected = await gradients(spelledOut, feeds);
  for (const name of ["q", "k", "v"].map(gradientOf)) {
    const [p, q] = [found, expected].map((each) =>
      each[name].data as Float32Array
    );
    const largest = q.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const worst = p.reduce((m, v, i) => Math.max(m, Math.abs(v - q[i])), 0);
    assert(worst < 2e-5 * largest, `${name} differs by ${worst} of ${largest}`);
  }
});

Deno.test("attention's gradient in one slice computes the output too, instead of the operator", async () => {
  const width = 6;
  const ours = new GraphBuilder("squared");
  const theirs = new GraphBuilder("squared");
  const [fusedGraph, plainGraph] = [ours, theirs].map((g) => {
    const x = g.input("x", "float32", [1, 5, width]);
    const heads = (t: Value) =>
      g.transpose(g.reshape(t, [1, 5, 2, 3]), [0, 2, 1, 3]);
    const H = heads(x);
    const alpha = 1 / Math.sqrt(3);
    const P = g.softmax(g.fusedMatMul(H, H, { alpha, transB: 1 }));
    const O = g.transpose(g.matMul(P, H), [0, 2, 1, 3]);
    const y = g === ours
      ? g.multiHeadAttention(x, x, x, { heads: 2 })
      : g.reshape(O, [1, 5, width]);
    return vjpGraph(g.build({ y: g.mul(y, y) }), { wrt: ["x"] });
  });
  const ops = fusedGraph.nodes.map(({ op }) => op);
  assert(!ops.includes("MultiHeadAttention"));
  const random = new TorchGenerator(1);
  const feeds = {
    x: random.randn([1, 5, width]),
    "y:cotangent": random.randn([1, 5, width]),
  };
  const [found, expected] = await Promise.all(
    [fusedGraph, plainGraph].map(async (graph) => {
      await using session = await openSession(graph);
      const results = await session.run(feeds);
      return results[gradientOf("x")].data as Float32Array;
    }),
  );
  const worst = found.reduce(
    (m, v, i) => Math.max(m, Math.abs(v - expected[i])),
    0,
  );
  assert(worst < 1e-5, `differs by ${worst}`);
});
