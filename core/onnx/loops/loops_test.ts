import { assertEquals, assertNotEquals } from "@std/assert";
import { openSession, writeModels } from "../../runtime/mod.ts";
import { float32 } from "../../tensor/tensor.ts";
import { GraphBuilder } from "../builder.ts";
import { decodeModel, encodeModel } from "../file/model_proto.ts";
import type { Graph } from "../graph.ts";
import { shareNodes } from "../rewrites/share_nodes.ts";
import { emitLoop, looked } from "./emit_loop.ts";
import { outside } from "./loop_names.ts";
import { regionsOf } from "./regions.ts";
import { inTemporaryFolder } from "@dip-go/testing/files";

/** A loop over x and y = 0 with branches x += a[i]; y = 2 w x, x ← 3 w x; x ← −x. Returns x + y. */
function branching(chosen: readonly number[]): Graph {
  const g = new GraphBuilder("branching");
  const x = g.input("x", "float32", [2]);
  const w = g.parameter("w", [2], { data: float32([2], [1, 10]) });
  const table = float32(
    [chosen.length, 1],
    chosen.map((_, i) => 100 * (i + 1)),
  );
  const { last, outputs } = emitLoop(g, {
    first: { x: g.mul(x, g.scalar(2)), y: g.expand(g.scalar(0), [2]) },
    chosen,
    body(index, now) {
      const own = g.mul(w, now.x);
      return [
        () => ({ x: g.add(now.x, looked(g, index, table)) }),
        () => ({ y: g.mul(own, g.scalar(2)), x: g.mul(own, g.scalar(3)) }),
        () => ({ x: g.neg(now.x), y: now.y }),
      ].slice(0, Math.max(...chosen) + 1);
    },
  });
  return g.build({ sum: g.add(last.x, last.y), ...outputs });
}

/** The result of {@linkcode branching} for one element. */
function expected(chosen: readonly number[], start: number, w: number): number {
  let [x, y] = [2 * start, 0];
  for (const [i, branch] of chosen.entries()) {
    if (branch === 0) x += 100 * (i + 1);
    if (branch === 1) [x, y] = [3 * w * x, 2 * w * x];
    if (branch === 2) x = -x;
  }
  return x + y;
}

for (const chosen of [[0, 0, 0], [0, 1, 0, 2, 1], [2, 1, 0], [1, 0]]) {
  Deno.test(`a loop of branches ${chosen} runs them in turn`, async () => {
    for (const graph of [branching(chosen), shareNodes(branching(chosen))]) {
      await using session = await openSession(graph);
      const { sum } = await session.run({ x: float32([2], [3, 4]) });
      assertEquals([...sum.data], [
        expected(chosen, 3, 1),
        expected(chosen, 4, 10),
      ]);
    }
  });
}

Deno.test("outside() and a written file have a graph's inputs and outputs without its loop's", () =>
  inTemporaryFolder(async (folder) => {
    const graph = branching([0, 1, 2]);
    const names = ({ inputs, outputs }: Pick<Graph, "inputs" | "outputs">) =>
      [...inputs, ...outputs].map(({ name }) => name);
    assertEquals(names(outside(graph)), ["x", "sum"]);
    assertNotEquals(names(graph), ["x", "sum"]);
    await writeModels(folder, { "model.onnx": graph });
    const read = decodeModel(await Deno.readFile(`${folder}/model.onnx`));
    assertEquals(names(read), ["x", "sum"]);
    assertEquals(read.nodes.filter(({ op }) => op === "Loop").length, 1);
    assertEquals(
      decodeModel(encodeModel(read)).nodes.length,
      read.nodes.length,
    );
  }));

Deno.test("regionsOf() puts nodes that no iteration changes before the loop, nodes of one branch in it", () => {
  const g = new GraphBuilder("regions");
  const x = g.input("x", "float32", [2]);
  const { last, outputs } = emitLoop(g, {
    first: { x },
    chosen: [0, 1],
    body: (_, now) => [
      () => ({ x: g.add(g.tanh(now.x), g.relu(x)) }),
      () => ({ x: g.mul(g.tanh(now.x), g.relu(x)) }),
    ],
  });
  const graph = g.build({ y: g.sqrt(last.x), ...outputs });
  const told = (graph: Graph) => {
    const regions = regionsOf(graph);
    return graph.nodes.map((node) => [node.op, regions.of.get(node)]);
  };
  const own = told(shareNodes(graph));
  const of = (op: string) => own.filter(([each]) => each === op);
  assertEquals(of("Relu"), [["Relu", "before"]]);
  assertEquals(of("Tanh"), [["Tanh", 0], ["Tanh", 1]]);
  assertEquals(of("Add"), [["Add", 0]]);
  assertEquals(of("Less"), [["Less", "loop"]]);
  assertEquals(of("Sqrt"), [["Sqrt", "after"]]);
});
