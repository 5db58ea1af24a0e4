import { assertEquals, assertThrows } from "@std/assert";
import { int64 } from "../tensor/tensor.ts";
import { GraphBuilder } from "./builder.ts";

Deno.test("scope() prefixes node names, and repeated names are numbered", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  const inner = () => g.scope("attn", () => g.relu(g.relu(x)));
  const y = g.scope("blocks.0", inner);
  assertEquals(
    g.build({ y }).nodes.map((node) => node.name),
    ["blocks.0/attn/Relu", "blocks.0/attn/Relu_1"],
  );
});

Deno.test("scope() ends when its body throws", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  assertThrows(
    () => g.scope("a", () => g.transpose(x, [3])),
    RangeError,
    `node "a/Transpose"`,
  );
  assertEquals(g.relu(x).name, "Relu");
});

Deno.test("parameter() is declared once", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  const w = () => g.parameter("w", [2]);
  const graph = g.build({ y: g.add(g.mul(x, w()), w()) });
  assertEquals([...graph.initializers.keys()], ["w"]);
  assertEquals(graph.initializers.get("w")!.shape, [2]);
});

Deno.test("a builder refuses names that are taken and values of another builder", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  assertThrows(
    () => g.input("x", "float32", [2]),
    RangeError,
    `Cannot add value "x" to graph "g"`,
  );
  assertThrows(
    () => new GraphBuilder("h").relu(x),
    RangeError,
    `Cannot find value "x" in graph "h"`,
  );
  assertThrows(
    () => g.build({ x: g.relu(x) }),
    RangeError,
    `Cannot name an output "x" in graph "g"`,
  );
});

Deno.test("build() drops what no output needs and keeps every input", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  g.input("unused", "int64", [1]);
  g.exp(g.add(x, g.parameter("dead", [2])));
  const graph = g.build({ y: g.mul(x, g.parameter("alive", [2])) });
  assertEquals(graph.inputs.map((v) => v.name), ["x", "unused"]);
  assertEquals([...graph.initializers.keys()], ["alive"]);
  assertEquals(graph.nodes.map((node) => node.op), ["Mul"]);
  assertEquals([...graph.values.keys()].sort(), ["alive", "unused", "x", "y"]);
});

Deno.test("build() copies an output that is an input, a weight or another output too", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  const w = g.parameter("w", [2]);
  const y = g.neg(x);
  const graph = g.build({ y, again: y, x_copy: x, w_copy: w });
  assertEquals(graph.outputs.map((v) => v.name), [
    "y",
    "again",
    "x_copy",
    "w_copy",
  ]);
  assertEquals(
    graph.nodes.map(({ op, inputs, outputs }) => [op, ...inputs, ...outputs]),
    [
      ["Neg", "x", "y"],
      ["Identity", "y", "again"],
      ["Identity", "x", "x_copy"],
      ["Identity", "w", "w_copy"],
    ],
  );
});

Deno.test("continuing() goes on where a graph ended, without repeating a name", () => {
  const first = new GraphBuilder("first");
  const x = first.input("x", "float32", [2]);
  const graph = first.build({ y: first.neg(x) });
  const second = GraphBuilder.continuing(graph, "second");
  const longer = second.build({
    y: second.value("y"),
    z: second.neg(second.value("y")),
  });
  assertEquals(longer.nodes.map((node) => node.name), ["Neg", "Neg_1"]);
  assertEquals(longer.nodes[1].inputs, ["y"]);
});

Deno.test("constantInts() reads constants only", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "int64", [1]);
  const [y] = g.node("Reshape", [x, g.constant(int64([2], [1, 1]))]);
  assertEquals(y.shape, [1, 1]);
  assertThrows(
    () => g.node("Reshape", [x, x]),
    RangeError,
    `Cannot read input "x" of node "Reshape_1" (Reshape): it must be a constant`,
  );
});

Deno.test("substitute() makes readers read another value, and moves its nodes before them", () => {
  const g = new GraphBuilder("substitute");
  const x = g.input("x", "float32", [2]);
  const slow = g.exp(x);
  const y = g.neg(g.add(slow, slow));
  const again = g.mul(g.mul(x, x), g.scalar(3));
  g.substitute(slow, again);
  const graph = g.build({ y, z: g.abs(again) });
  assertEquals(
    graph.nodes.map(({ op }) => op),
    ["Mul", "Mul", "Add", "Neg", "Abs"],
  );
  assertEquals(graph.nodes[2].inputs, ["Mul_1", "Mul_1"]);
  assertEquals(graph.nodes[4].inputs, ["Mul_1"]);
});

Deno.test("substitute() refuses a value that is computed from the one it replaces", () => {
  const g = new GraphBuilder("circle");
  const a = g.exp(g.input("x", "float32", [2]));
  const b = g.neg(a);
  assertThrows(
    () => g.substitute(a, b),
    RangeError,
    'Cannot substitute "Neg" for "Exp" in graph "circle"',
  );
});
