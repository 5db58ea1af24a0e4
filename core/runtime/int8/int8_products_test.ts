import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { GraphBuilder } from "../../onnx/builder.ts";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSession } from "../session.ts";
import { int8Products } from "./int8_products.ts";

const [M, K, N] = [5, 12, 7];
const random = new TorchGenerator(3);
const [x, w, b] = [[M, K], [N, K], [N]].map((shape) => random.randn(shape));

/** y = x Wᵀ + b, and y W besides. */
function graphOfTwo() {
  const g = new GraphBuilder("two");
  const weight = g.parameter("w", [N, K], { data: w });
  const bias = g.parameter("b", [N], { data: b });
  const y = g.gemm(g.input("x", "float32", [M, K]), weight, bias, {
    transB: 1,
  });
  return g.build({ y, z: g.matMul(y, g.parameter("v", [N, K], { data: w })) });
}

/** x and W in integers as the ONNX specification and this project have them, multiplied in float64; or W alone. */
function expected({ exact = false } = {}): number[] {
  const low = Math.min(0, ...x.data);
  const scale = (Math.max(0, ...x.data) - low) / 255;
  const zero = Math.round(-low / scale);
  const q = [...x.data].map((v) =>
    (exact ? v / scale : Math.round(v / scale)) + zero
  );
  return Array.from({ length: M * N }, (_, i) => {
    const [m, n] = [Math.floor(i / N), i % N];
    const row = [...w.data.subarray(n * K, (n + 1) * K)];
    const own = Math.max(...row.map(Math.abs)) / 64;
    const sum = row.reduce(
      (sum, v, k) => sum + (q[m * K + k] - zero) * Math.round(v / own),
      0,
    );
    return sum * scale * own + b.data[n];
  });
}

Deno.test("int8Products() multiplies integers, and leaves other weights' products as they are", async () => {
  const graph = graphOfTwo();
  const own = int8Products(graph, ["w"]);
  assertEquals(
    own.nodes.map(({ op }) => op).filter((op) => /Gemm|MatMul/.test(op)),
    ["MatMulInteger", "MatMul"],
  );
  assertEquals([own.inputs, own.outputs], [graph.inputs, graph.outputs]);
  await using session = await openSession(graph, {
    precision: "int8",
    int8Weights: ["w"],
    threads: 1,
  });
  const { y } = await session.run({ x });
  expected().forEach((v, i) =>
    assertAlmostEquals(y.data[i] as number, v, 1e-4)
  );
});

Deno.test("int8Products() in two passes rounds the weights alone, and agrees on inputs a last bit apart", async () => {
  await using session = await openSession(graphOfTwo(), {
    precision: "int8",
    int8Weights: ["w"],
    int8Passes: 2,
    threads: 1,
  });
  const near = { ...x, data: x.data.map((v) => v * (1 + 2 ** -22)) };
  for (const each of [x, near]) {
    const { y } = await session.run({ x: each });
    expected({ exact: true }).forEach((v, i) =>
      assertAlmostEquals(y.data[i] as number, v, 5e-4)
    );
  }
});

Deno.test("int8Products() takes every product's weight without a choice, in a byte an element", () => {
  const { nodes, initializers } = int8Products(graphOfTwo());
  assert(!nodes.some(({ op }) => op === "Gemm" || op === "MatMul"));
  assertEquals(initializers.get("w:int8")!.dtype, "int8");
  assert(!initializers.has("w"));
});
