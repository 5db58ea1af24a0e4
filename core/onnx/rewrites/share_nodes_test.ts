import { assertEquals } from "@std/assert";
import { GraphBuilder } from "../builder.ts";
import { shareNodes } from "./share_nodes.ts";

Deno.test("shareNodes() keeps apart nodes that compute in float32 in every precision", () => {
  const g = new GraphBuilder("graph");
  const x = g.input("x", "float32", [2]);
  const [first, second] = [g.exp(x), g.exp(x)];
  const single = g.inSingle(() => g.exp(x));
  const y = g.add(g.add(first, second), single);
  const { nodes } = shareNodes(g.build({ y }));
  assertEquals(
    nodes.map(({ inputs }) => inputs),
    [["x"], ["x"], ["Exp", "Exp"], ["Add", "Exp_2"]],
  );
});
