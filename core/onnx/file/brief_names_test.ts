import { assert, assertEquals } from "@std/assert";
import { GraphBuilder } from "../builder.ts";
import { briefNames } from "./brief_names.ts";

Deno.test("briefNames() numbers inner values and drops node names", () => {
  const g = new GraphBuilder("named");
  const x = g.input("v0", "float32", [2]);
  const inner = g.add(
    x,
    g.constant({ dtype: "float32", shape: [2], data: new Float32Array(2) }),
  );
  const graph = g.build({ y: g.mul(g.relu(inner), inner) });
  const brief = briefNames(graph);
  const [add, relu, mul] = brief.nodes;
  assertEquals(add.outputs, ["v1"]);
  assertEquals([relu.inputs, relu.outputs], [["v1"], ["v2"]]);
  assertEquals([mul.inputs, mul.outputs], [["v2", "v1"], ["y"]]);
  assertEquals(add.inputs, graph.nodes[0].inputs);
  assert(brief.nodes.every(({ name }) => name === ""));
  assertEquals(brief.values.get("v2"), {
    ...graph.values.get(graph.nodes[1].outputs[0])!,
    name: "v2",
  });
});
