/** Tests of networks in float16 against the same networks in float32, on the recorded cases. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph, Initializer } from "../onnx/graph.ts";
import { halfPrecision } from "../runtime/half_precision.ts";
import { openSession } from "../runtime/session.ts";
import { float32, type Tensor, tensor } from "../tensor/tensor.ts";
import { float32ToFloat16 } from "../tensor/float16.ts";
import { openSafetensors, writeSafetensors } from "../weights/safetensors.ts";
import { blockGraphs, wholeGraph } from "./block_graph/block_graph.ts";
import { blockGraphOf, loadModel } from "./load.ts";
import { openWeights } from "./weights/weight_file.ts";

const one = { threads: 1 } as const;

/** The largest difference, divided by the expected tensor's largest absolute value. */
function distance(expected: Tensor, found: Tensor): number {
  const [a, b] = [expected.data, found.data] as Float32Array[];
  assertEquals(a.length, b.length);
  const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return a.reduce((d, x, i) => Math.max(d, Math.abs(x - b[i])), 0) / largest;
}

async function recorded(name: string) {
  const folder = new URL(`../../testdata/${name}`, import.meta.url).pathname;
  const model = await loadModel(folder);
  const file = await openSafetensors(`${folder}/case.safetensors`);
  const read = (tensor: string) => file.readFloat32(tensor);
  const text = await read("encoder_hidden_states");
  const inputs: Record<string, Tensor> = {
    sample: await read("sample"),
    timestep: float32([2], [981, 981]),
    encoder_hidden_states: text,
  };
  const tokens = text.shape[1];
  const options = { batch: 2, granularity: "branch", tokens } as const;
  const graph = blockGraphOf(model, options);
  return { graph, inputs, output: await read("t981.output") };
}

async function run(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  precision: "float16" | "float32",
): Promise<Record<string, Tensor>> {
  await using session = await openSession(graph, { ...one, precision });
  return await session.run(feeds);
}

/** The share of float16 among the nodes that compute products; attention may be left out. */
function halfProducts(
  graph: Graph,
  { attention = true } = {},
): number {
  const attending = attention ? ["MultiHeadAttention"] : [];
  const products = graph.nodes.filter(({ op }) =>
    ["Conv", "Gemm", "MatMul", ...attending].includes(op)
  );
  const half = products.filter(({ outputs: [name] }) =>
    graph.values.get(name)!.dtype === "float16"
  );
  return half.length / products.length;
}

for (const name of ["unet-sd15", "unet-sd21"]) {
  Deno.test(`blocks in float16 return nearly the same as in float32: ${name}`, async () => {
    const { graph, inputs } = await recorded(name);
    const tensors = new Map(Object.entries(inputs));
    let moved = 0;
    for (const { block, graph: own } of blockGraphs(graph)) {
      const feeds = Object.fromEntries(
        own.inputs.map(({ name }) => [name, tensors.get(name)!]),
      );
      const expected = await run(own, feeds, "float32");
      const found = await run(own, feeds, "float16");
      // The second UNet's config asks for attention in float32.
      const halves = { attention: name === "unet-sd15" };
      assertEquals(halfProducts(halfPrecision(own), halves), 1, block.name);
      for (const { name } of own.outputs) {
        const d = distance(expected[name], found[name]);
        assert(d < 1e-2, `${block.name}: ${name} differs by ${d}`);
        moved += d;
        tensors.set(name, expected[name]);
      }
    }
    assert(moved > 1e-4, "float16 rounds");
  });

  Deno.test(`a whole network in float16 is near the recorded output: ${name}`, async () => {
    const { graph, inputs, output } = await recorded(name);
    const whole = wholeGraph(graph);
    const found = await run(whole, inputs, "float16");
    const d = distance(output, found[graph.output]);
    assert(d < 1e-2 && d > 1e-5, `differs by ${d}`);
  });
}

Deno.test("halfPrecision() keeps signature, norms, softmax and angles in float32", () => {
  const g = new GraphBuilder("mixed");
  const t = g.input("t", "float32", [1, 1]);
  const w = g.parameter("w", [4, 4], {
    data: float32([4, 4], new Float32Array(16).fill(0.1)),
  });
  const ones = g.constant(float32([4], [1, 1, 1, 1]));
  const angles = g.cos(g.mul(t, g.constant(float32([1, 4], [1, 2, 3, 4]))));
  const normed = g.layerNormalization(g.gemm(angles, w), ones);
  const graph = g.build({ y: g.softmax(g.gemm(normed, w)) });
  const half = halfPrecision(graph);
  assertEquals(half.inputs, graph.inputs);
  assertEquals(half.outputs, graph.outputs);
  const dtypes = half.nodes.filter(({ op }) => op !== "Cast")
    .map(({ op, outputs: [name] }) => [op, half.values.get(name)!.dtype]);
  assertEquals(dtypes, [
    ["Mul", "float32"],
    ["Cos", "float32"],
    ["Gemm", "float16"],
    ["LayerNormalization", "float32"],
    ["Gemm", "float16"],
    ["Softmax", "float32"],
  ]);
  const weights = [...half.initializers.values()].filter(({ shape }) =>
    shape.join() === "4,4"
  );
  assertEquals(weights.map(({ dtype }) => dtype), ["float16"]);
});

Deno.test("halfPrecision() refuses a weight beyond float16's range, and clips masks to it", async () => {
  const graphWith = (value: number, mask: number) => {
    const g = new GraphBuilder("large");
    const x = g.input("x", "float32", [2]);
    const w = g.parameter("w", [2], { data: float32([2], [1, value]) });
    const masked = g.max(g.mul(x, w), g.constant(float32([1], [mask])));
    return g.build({ y: masked });
  };
  assertThrows(
    () => halfPrecision(graphWith(-70000, 0)),
    RangeError,
    'Cannot compute in float16: weight "w" float32[2] holds -70000, expected at most 65504',
  );
  const { y } = await run(graphWith(2, -3e38), {
    x: float32([2], [3, -4]),
  }, "float16");
  assertEquals(Array.from(y.data, Number), [3, -8]);
});

/** A graph of a product with a weight, and a sum that must stay in float32. */
function weighted(source: Pick<Initializer, "data" | "file">): Graph {
  const g = new GraphBuilder("weighted");
  const x = g.input("x", "float32", [2, 2]);
  const y = g.gemm(x, g.parameter("w", [2, 2], source));
  return g.build({ y: g.inSingle(() => g.add(y, g.scalar(0.1))) });
}

const ops = ({ nodes, values }: Graph) =>
  nodes.map(({ op, outputs: [name] }) => [op, values.get(name)!.dtype]);

const feeds = { x: float32([2, 2], [1, 2, 3, 4]) };

Deno.test("halfPrecision() reads weights from files for a graph that is stored, and leaves them to a cast otherwise", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/w.safetensors`;
    const w = float32([2, 2], [1, 0, 0, 1.0001]);
    await writeSafetensors(path, new Map([["w", w]]));
    const { begin } = openSafetensors(path).tensors.get("w")!;
    const graph = weighted({ file: { path, offset: begin, length: 16 } });
    const loaded = halfPrecision(graph);
    assertEquals(loaded.initializers.get("w")!.dtype, "float32");
    const kept = halfPrecision(graph, { stored: true });
    assertEquals(ops(kept), [
      ["Cast", "float16"],
      ["Gemm", "float16"],
      ["Cast", "float32"],
      ["Add", "float32"],
    ]);
    const { dtype, role, data } = kept.initializers.get("w:float16")!;
    assertEquals([dtype, role], ["float16", "parameter"]);
    assertEquals(
      data,
      halfPrecision(weighted({ data: w }), { stored: true })
        .initializers.get("w:float16")!.data,
    );
    const { y } = await run(kept, feeds, "float32");
    assertEquals(y, (await run(loaded, feeds, "float32")).y);
    assertEquals(y, float32([2, 2], [1.1, 2.1, 3.1, 4.1]));
  }));

Deno.test("halfPrecision() leaves float16 weights in their files for a graph that is stored", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/w.safetensors`;
    const w = float32([2, 2], [1, 0, 0, 2]);
    const half = tensor("float16", [2, 2], float32ToFloat16(w.data));
    await writeSafetensors(path, new Map([["w", half]]));
    const shapes = new Map([["w", [2, 2]]]);
    const source = openWeights(path, shapes)("w", [2, 2]);
    assertEquals([source.data, source.file?.stored], [undefined, "F16"]);
    const kept = halfPrecision(weighted(source), { stored: true });
    const { file, data } = kept.initializers.get("w:float16")!;
    assertEquals([file?.path, file?.length, data], [path, 8, undefined]);
    const { y } = await run(kept, feeds, "float32");
    assertEquals(y, float32([2, 2], [1.1, 4.1, 3.1, 8.1]));
  }));
