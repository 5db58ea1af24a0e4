import { assertEquals, assertThrows } from "@std/assert";
import { openSession } from "../../runtime/session.ts";
import { float32 } from "../../tensor/tensor.ts";
import { GraphBuilder } from "../builder.ts";
import { inlined } from "./inline.ts";

/** y = w (x + 1), with names that many graphs have. */
function part() {
  const g = new GraphBuilder("part");
  const x = g.input("x", "float32", [2]);
  const w = g.parameter("w", [2], { data: float32([2], [2, 3]) });
  return g.build({ y: g.mul(w, g.add(x, g.scalar(1))) });
}

Deno.test("inlined() twice adds separate values and one parameter", async () => {
  const g = new GraphBuilder("whole");
  const x = g.input("x", "float32", [2]);
  const first = inlined(g, part(), new Map([["x", x]])).get("y")!;
  const second = inlined(g, part(), new Map([["x", first]])).get("y")!;
  const graph = g.build({ first, second });
  const parameters = [...graph.initializers.values()]
    .filter(({ role }) => role === "parameter");
  assertEquals(parameters.map(({ name }) => name), ["w"]);
  await using session = await openSession(graph, { threads: 1 });
  const found = await session.run({ x: float32([2], [1, 2]) });
  assertEquals([...found.first.data], [4, 9]);
  assertEquals([...found.second.data], [10, 30]);
});

Deno.test("inlined() names the input that is missing", () => {
  assertThrows(
    () => inlined(new GraphBuilder("whole"), part(), new Map()),
    RangeError,
    'Cannot make graph "part" part of "whole": input "x" is missing',
  );
});
