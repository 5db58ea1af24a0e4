import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { type BlockGraph, wholeGraph } from "@dip-go/core/models";
import {
  type Graph,
  GraphBuilder,
  macsOfGraph,
  sumMacs,
} from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { tinyPixart, tinyUnet } from "@dip-go/testing/models";
import { exporterGraph } from "./exporter_graph.ts";
import { randomFeeds } from "../subjects/random_feeds.ts";
import { tinySubject } from "../subjects/tiny_subject.ts";

const models: Record<string, BlockGraph> = {
  "a UNet": tinyUnet({ batch: 2, granularity: "branch" }),
  "a DiT": tinySubject(2).net.model,
  "a PixArt": tinyPixart({ batch: 2 }),
};

async function outputOf(graph: Graph, feeds: Record<string, Tensor>) {
  await using session = await openSession(graph);
  const [output] = Object.values(await session.run(feeds));
  return output.data as Float32Array;
}

const opsOf = ({ nodes }: Graph) => new Set(nodes.map(({ op }) => op));

for (const [name, model] of Object.entries(models)) {
  Deno.test(`exporterGraph() of ${name} computes the same output as our graph, with as many MACs`, async () => {
    const ours = wholeGraph(model);
    const theirs = exporterGraph(ours);
    const feeds = randomFeeds(ours);
    const expected = await outputOf(ours, feeds);
    const found = await outputOf(theirs, feeds);
    assert(expected.some((x) => Math.abs(x) > 1e-3));
    expected.forEach((x, i) => assertAlmostEquals(found[i], x, 1e-4));
    assertEquals(
      sumMacs(macsOfGraph(theirs).values()).total,
      sumMacs(macsOfGraph(ours).values()).total,
    );
  });

  Deno.test(`exporterGraph() of ${name} has operators of ONNX alone, attention spelled out`, () => {
    const theirs = exporterGraph(wholeGraph(model));
    assert(theirs.nodes.every(({ domain }) => domain === ""));
    const ops = opsOf(theirs);
    assert(!ops.has("Gelu"));
    assert(ops.has("Softmax") && ops.has("Sigmoid"));
  });
}

Deno.test("exporterGraph() writes a linear layer on three axes as Transpose, MatMul, Add and one on two as Gemm", () => {
  const g = new GraphBuilder("linear");
  const weight = g.parameter("w", [5, 3]);
  const bias = g.parameter("b", [5]);
  const tokens = g.input("tokens", "float32", [2, 4, 3]);
  const row = g.input("row", "float32", [2, 3]);
  const flat = g.reshape(tokens, [8, 3]);
  const y = g.gemm(flat, weight, bias, { transB: 1 });
  const theirs = exporterGraph(g.build({
    stacked: g.reshape(y, [2, 4, 5]),
    plain: g.gemm(row, weight, bias, { transB: 1 }),
  }));
  assertEquals(
    theirs.nodes.map(({ op }) => op).toSorted(),
    ["Add", "Gemm", "MatMul", "Transpose"],
  );
  assertEquals(theirs.outputs.map(({ shape }) => shape), [[2, 4, 5], [2, 5]]);
});

Deno.test("exporterGraph() applies attention's own scale and adds its bias to the scores", async () => {
  const g = new GraphBuilder("attention");
  const tokens = (name: string) => g.input(name, "float32", [1, 4, 6]);
  const [q, k, v] = ["q", "k", "v"].map(tokens);
  const bias = g.input("bias", "float32", [1, 1, 4, 4]);
  const options = { heads: 2, scale: 0.3, bias };
  const ours = g.build({ y: g.multiHeadAttention(q, k, v, options) });
  const feeds = randomFeeds(ours);
  const expected = await outputOf(ours, feeds);
  const found = await outputOf(exporterGraph(ours), feeds);
  expected.forEach((x, i) => assertAlmostEquals(found[i], x, 1e-5));
});

Deno.test("exporterGraph() refuses an operator of ONNX Runtime that it cannot spell", () => {
  const g = new GraphBuilder("product");
  const x = g.input("x", "float32", [2, 2]);
  const graph = g.build({ y: g.fusedMatMul(x, x) });
  assertThrows(
    () => exporterGraph(graph),
    RangeError,
    "no exporter writes operator com.microsoft.FusedMatMul",
  );
});
