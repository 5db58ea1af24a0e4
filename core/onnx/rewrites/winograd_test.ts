import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSession } from "../../runtime/session.ts";
import { float32, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import { GraphBuilder } from "../builder.ts";
import type { Window } from "../operations.ts";
import type { Graph, Value } from "../graph.ts";
import { winogradGraph } from "./winograd.ts";

const random = new TorchGenerator(5);

/** A graph of one convolution of `[N, C, H, W]` with 3x3 filters and a bias. */
function convolution(
  [N, C, H, W]: readonly [number, number, number, number],
  { K = C, window = { pads: [1, 1, 1, 1] }, flipped = false }: {
    K?: number;
    window?: Window;
    flipped?: boolean;
  } = {},
): Graph {
  const g = new GraphBuilder("convolution");
  const x = g.input("x", "float32", [N, C, H, W]);
  const draw = (...shape: number[]) => {
    const scale = (C * 9) ** -0.5;
    const { data } = random.randn(shape);
    return g.constant(
      float32(shape, (data as Float32Array).map((v) => v * scale)),
    );
  };
  const w = flipped ? g.neg(draw(K, C, 3, 3)) : draw(K, C, 3, 3);
  return g.build({ y: g.conv(x, w, draw(K), window) });
}

async function results(graph: Graph, feed: Tensor): Promise<Float32Array> {
  await using session = await openSession(graph, { convolution: "direct" });
  return (await session.run({ x: feed })).y.data as Float32Array;
}

const operators = ({ nodes }: Graph) => nodes.map(({ op }) => op);

/** The largest difference of Winograd's form over the largest value. */
async function difference(graph: Graph): Promise<number> {
  const other = winogradGraph(graph);
  assert(operators(other).includes("DepthToSpace"), "not in Winograd's form");
  const feed = random.randn(graph.inputs[0].shape);
  const [direct, found] = [
    await results(graph, feed),
    await results(other, feed),
  ];
  assertEquals(found.length, sizeOf(graph.outputs[0].shape));
  const largest = direct.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return direct.reduce(
    (most, v, i) => Math.max(most, Math.abs(v - found[i])),
    0,
  ) /
    largest;
}

for (
  const [name, graph] of Object.entries({
    "tiles of four": convolution([1, 256, 32, 32]),
    "tiles of two": convolution([1, 256, 16, 16]),
    "two pictures, other channels": convolution([2, 256, 40, 32], { K: 320 }),
    "two pictures in tiles of two": convolution([2, 320, 16, 18], { K: 256 }),
    "filters computed from constants": convolution([1, 256, 16, 16], {
      flipped: true,
    }),
  })
) {
  Deno.test(`winogradGraph(): ${name} give a direct convolution's result`, async () => {
    const found = await difference(graph);
    assert(found < 3e-5, `differs by ${found}`);
  });
}

Deno.test("winogradGraph() does not change other convolutions", () => {
  const others = [
    convolution([1, 128, 32, 32]),
    convolution([1, 256, 8, 8]),
    convolution([1, 256, 34, 33]),
    convolution([1, 256, 32, 32], {
      window: { pads: [1, 1, 1, 1], strides: [2, 2] },
    }),
    convolution([1, 256, 32, 32], { window: { pads: [0, 0, 0, 0] } }),
    convolution([1, 256, 32, 32], {
      window: { pads: [2, 2, 2, 2], dilations: [2, 2] },
    }),
    convolution([1, 256, 1024, 1024]),
  ];
  for (const graph of others) {
    assertEquals(operators(winogradGraph(graph)), ["Conv"]);
  }
});

Deno.test("winogradGraph() does not change convolutions whose filters depend on an input", () => {
  const g = new GraphBuilder("given");
  const x = g.input("x", "float32", [1, 256, 32, 32]);
  const w = g.input("w", "float32", [256, 256, 3, 3]);
  const graph = g.build({ y: g.conv(x, w, null, { pads: [1, 1, 1, 1] }) });
  assertEquals(operators(winogradGraph(graph)), ["Conv"]);
});

Deno.test("winogradGraph() transforms once the filters that several nodes read", () => {
  const g = new GraphBuilder("shared");
  const w = g.constant(random.randn([256, 256, 3, 3]));
  const x = g.input("x", "float32", [1, 256, 16, 16]);
  const layer = (input: Value) =>
    g.conv(input, w, null, { pads: [1, 1, 1, 1] });
  const graph = winogradGraph(g.build({ y: layer(layer(x)) }));
  const shape = [256, 16, 256];
  const filters = graph.nodes.filter(({ outputs: [name] }) =>
    String(graph.values.get(name)!.shape) === String(shape)
  );
  assertEquals(
    operators(graph).filter((op) => op === "DepthToSpace").length,
    2,
  );
  assertEquals(filters.map(({ op }) => op), ["MatMul"]);
});

Deno.test("winogradGraph() returns a graph without such convolutions itself", () => {
  const g = new GraphBuilder("none");
  const graph = g.build({ y: g.neg(g.input("x", "float32", [2])) });
  assert(winogradGraph(graph) === graph);
});
