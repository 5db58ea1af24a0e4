import { assertEquals } from "@std/assert";
import { GraphBuilder } from "../onnx/builder.ts";
import { operators } from "../onnx/ops/registry.ts";
import { operatorCases } from "@dip-go/testing/operators";
import { float32 } from "../tensor/tensor.ts";
import { openSession } from "./session.ts";

for (const { name, graph, feeds } of operatorCases()) {
  // ONNX Runtime itself refuses an output of another dtype than declared.
  Deno.test(`inferShapes() agrees with ONNX Runtime on ${name}`, async () => {
    await using session = await openSession(graph, {
      threads: 1,
      optimization: "disabled",
    });
    const results = await session.run(feeds);
    for (const { name, shape } of graph.outputs) {
      assertEquals(results[name].shape, shape);
    }
  });
}

Deno.test("operatorCases() has every operator but FastGelu", () => {
  const tried = operatorCases().flatMap(({ graph }) =>
    graph.nodes.map(({ op }) => op)
  );
  const expected = Object.keys(operators).filter((op) => op !== "FastGelu");
  assertEquals(expected.filter((op) => !tried.includes(op)), []);
});

Deno.test("build() gives each output name its value", async () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  const w = g.parameter("w", [2], { data: float32([2], [10, 20]) });
  const inner = g.neg(x);
  const last = g.mul(inner, w);
  const graph = g.build({ last, inner, again: inner, x_copy: x, w_copy: w });
  await using session = await openSession(graph);
  assertEquals(await session.run({ x: float32([2], [1, 2]) }), {
    last: float32([2], [-10, -40]),
    inner: float32([2], [-1, -2]),
    again: float32([2], [-1, -2]),
    x_copy: float32([2], [1, 2]),
    w_copy: float32([2], [10, 20]),
  });
});
