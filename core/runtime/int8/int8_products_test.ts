import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { GraphBuilder } from "../../onnx/builder.ts";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSession } from "../session.ts";
import { inInt8 } from "./in_int8.ts";

const [M, K, N] = [5, 12, 7];
const random = new TorchGenerator(3);
const [x, w, b] = [[M, K], [N, K], [N]].map((shape) => random.randn(shape));

/** A graph of y = x Wᵀ + b and z = y W. */
function graphOfTwo() {
  const g = new GraphBuilder("two");
  const weight = g.parameter("w", [N, K], { data: w });
  const bias = g.parameter("b", [N], { data: b });
  const y = g.gemm(g.input("x", "float32", [M, K]), weight, bias, {
    transB: 1,
  });
  return g.build({ y, z: g.matMul(y, g.parameter("v", [N, K], { data: w })) });
}

/** x Wᵀ + b in float64, x rounded as in the ONNX specification (not if `exact`), W as in this project. */
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

Deno.test("inInt8() multiplies in integers, and does not change products of other weights", async () => {
  const graph = graphOfTwo();
  const own = inInt8(graph, "int8", { int8Weights: ["w"] });
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

Deno.test("inInt8() in two passes rounds only weights, and agrees for inputs that differ in the last bit", async () => {
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

Deno.test("inInt8() by default puts every product's weight in int8", () => {
  const { nodes, initializers } = inInt8(graphOfTwo(), "int8");
  assert(!nodes.some(({ op }) => op === "Gemm" || op === "MatMul"));
  assertEquals(initializers.get("w:int8")!.dtype, "int8");
  assert(!initializers.has("w"));
});

Deno.test("int8-weights: products and convolutions read rounded weights and compute in float32", async () => {
  const g = new GraphBuilder("rounded");
  const own = (name: string, shape: number[], data = random.randn(shape)) =>
    g.parameter(name, shape, { data });
  const across = g.gemm(
    g.input("x", "float32", [M, K]),
    own("w", [N, K]),
    null,
    {
      transB: 1,
    },
  );
  const along = g.matMul(across, own("v", [N, 6]));
  const picture = g.reshape(along, [1, M, 2, 3]);
  const graph = g.build({ y: g.conv(picture, own("c", [4, M, 2, 2])) });
  const run = async (precision: "float32" | "int8-weights") => {
    await using session = await openSession(graph, { precision, threads: 1 });
    return (await session.run({ x })).y.data as Float32Array;
  };
  const exact = await run("float32");
  const largest = Math.max(...exact.map(Math.abs));
  const errors = (await run("int8-weights")).map((v, i) => v - exact[i]);
  const most = Math.max(...errors.map(Math.abs)) / largest;
  assert(most > 1e-4 && most < 0.02, `${most}`);
  const stored = inInt8(graph, "int8-weights", { int8Weights: ["v", "c"] });
  const shapes = ["v:int8:scales", "c:int8:scales"].map((name) =>
    stored.initializers.get(name)!.shape
  );
  assertEquals(shapes, [[6], [4, 1, 1, 1]]);
  assert(stored.initializers.has("w") && !stored.initializers.has("v"));
});
