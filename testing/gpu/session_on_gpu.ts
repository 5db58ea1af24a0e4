import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { GraphBuilder } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import {
  DeviceTensor,
  nodesOffDevice,
  openSession,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { consoleWarnings } from "../files/console_warnings.ts";
import { operatorCases } from "../operators/operator_cases.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";

const webgpu: SessionOptions = { device: "webgpu", threads: 1 };
const cpu: SessionOptions = { threads: 1 };

/** The largest difference of an output on the GPU from the CPU's, over its largest value, at least 1. */
async function difference(
  { graph, feeds }: Pick<
    ReturnType<typeof operatorCases>[number],
    "graph" | "feeds"
  >,
): Promise<number> {
  await using there = await openSession(graph, webgpu);
  await using here = await openSession(graph, cpu);
  const found = await there.run(feeds);
  const expected = await here.run(feeds);
  const worst = graph.outputs.map(({ name }) => {
    const [a, b] = [expected[name], found[name]].map(({ data }) =>
      Array.from(data as ArrayLike<number | bigint>, Number)
    );
    assertEquals(a.length, b.length);
    const scale = Math.max(1, ...a.map(Math.abs));
    return Math.max(0, ...a.map((x, i) => Math.abs(x - b[i]) / scale));
  });
  return Math.max(...worst);
}

/** Operators whose arguments must be positive. */
const ofPositive = ["Log", "Sqrt", "Pow"];

/** Operators on types that the GPU's provider does not have. */
const notThere = [
  "DequantizeLinear",
  "DynamicQuantizeLinear and MatMulInteger",
  "Cast",
];

function lively(
  name: string,
  feeds: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const random = new TorchGenerator(1);
  return Object.fromEntries(
    Object.entries(feeds).map(([input, { shape }]) => {
      const drawn = random.randn(shape);
      return [
        input,
        ofPositive.includes(name)
          ? float32(shape, drawn.data.map((x) => Math.abs(x) + 0.1))
          : drawn,
      ];
    }),
  );
}

Deno.test({
  ...onSoftwareGpu(
    "every operator on the GPU is placed there and agrees with the CPU",
  ),
  async fn() {
    for (const { name, graph, feeds } of operatorCases()) {
      if (notThere.includes(name)) continue;
      const own = { graph, feeds: lively(name, feeds) };
      const found = await difference(own);
      assert(found < 1e-5, `${name} differs by ${found}`);
      assertEquals(await nodesOffDevice(graph, webgpu), [], name);
    }
  },
});

Deno.test({
  ...onSoftwareGpu("sine and cosine on the GPU hold for a timestep's angles"),
  async fn() {
    const g = new GraphBuilder("angles");
    const x = g.input("x", "float32", [400]);
    const graph = g.build({ sin: g.sin(x), cos: g.cos(x) });
    const angles = Array.from({ length: 400 }, (_, i) => 5 * i - 1000 + i / 7);
    await using session = await openSession(graph, webgpu);
    const feed = float32([400], angles);
    const { sin, cos } = await session.run({ x: feed });
    feed.data.forEach((angle, i) => {
      assert(Math.abs(sin.data[i] as number - Math.sin(angle)) < 3e-6);
      assert(Math.abs(cos.data[i] as number - Math.cos(angle)) < 3e-6);
    });
  },
});

Deno.test({
  ...onSoftwareGpu(
    "attention over many tokens is right on the GPU, with a bias too",
  ),
  async fn() {
    for (const biased of [false, true]) {
      const g = new GraphBuilder("attention");
      const [q, k, v] = ["q", "k", "v"].map((name) =>
        g.input(name, "float32", [2, 48, 16])
      );
      const bias = biased ? g.input("bias", "float32", [1, 2, 48, 48]) : null;
      const graph = g.build({
        y: g.multiHeadAttention(q, k, v, { heads: 2, bias, scale: 0.4 }),
      });
      const random = new TorchGenerator(3);
      const feeds = Object.fromEntries(
        graph.inputs.map(({ name, shape }) => [name, random.randn(shape)]),
      );
      assert(await difference({ graph, feeds }) < 1e-5);
    }
  },
});

Deno.test({
  ...onSoftwareGpu(
    "what the GPU does not compute is listed, and warned about once",
  ),
  async fn() {
    const g = new GraphBuilder("doubles");
    const x = g.input("x", "float32", [2]);
    const wide = g.scope("there", () => g.cast(g.exp(x), "float64"));
    const back = g.scope("back", () => g.cast(g.neg(wide), "float32"));
    const graph = g.build({ y: g.exp(back) });
    const listed = await nodesOffDevice(graph, webgpu);
    assertEquals(listed.map(({ name }) => name), [
      "there/Cast",
      "back/Neg",
      "back/Cast",
    ]);
    assertEquals(listed.map(({ op }) => op), ["Cast", "Neg", "Cast"]);
    const lines = await consoleWarnings(async () => {
      for (const _ of [1, 2]) {
        await using session = await openSession(graph, webgpu);
        const { y } = await session.run({ x: float32([2], [0, 1]) });
        assert(Math.abs(y.data[0] as number - Math.exp(-1)) < 1e-6);
      }
    });
    assertEquals(lines, [
      `Warning: webgpu does not compute every operator of "doubles"; on the CPU run Cast (there/Cast), Neg (back/Neg), Cast (back/Cast)`,
    ]);
  },
});

Deno.test({
  ...onSoftwareGpu("outputs kept on the GPU feed other sessions there"),
  async fn() {
    const first = new GraphBuilder("first");
    const x = first.input("x", "float32", [2, 3]);
    const feature = first.mul(x, first.scalar(3));
    await using a = await openSession(
      first.build({ feature, sum: first.add(x, feature) }),
      { ...webgpu, kept: ["feature"] },
    );
    const second = new GraphBuilder("second");
    const held = second.input("feature", "float32", [2, 3]);
    await using b = await openSession(
      second.build({ y: second.neg(held) }),
      webgpu,
    );
    const feed = { x: float32([2, 3], [1, 2, 3, 4, 5, 6]) };
    const { outputs, kept } = await a.runKeeping(feed);
    assertEquals(Object.keys(outputs), ["sum"]);
    assertEquals(Array.from(outputs.sum.data, Number), [4, 8, 12, 16, 20, 24]);
    const { feature: on } = kept;
    assert(on instanceof DeviceTensor);
    for (const _ of [1, 2]) {
      const { y } = await b.run(kept);
      assertEquals(Array.from(y.data, Number), [-3, -6, -9, -12, -15, -18]);
    }
    (on as DeviceTensor).dispose();
  },
});

Deno.test({
  ...onSoftwareGpu("float16 is refused where the GPU has no 16-bit shaders"),
  async fn() {
    const g = new GraphBuilder("half");
    const graph = g.build({ y: g.exp(g.input("x", "float32", [2])) });
    await assertRejects(
      () => openSession(graph, { ...webgpu, precision: "float16" }),
      TypeError,
      'Cannot open a session for "half" on device "webgpu" in float16',
    );
  },
});

Deno.test("a CPU keeps outputs as plain tensors", async () => {
  const g = new GraphBuilder("kept");
  const x = g.input("x", "float32", [2]);
  const graph = g.build({ feature: g.neg(x), y: g.exp(x) });
  await using session = await openSession(graph, { ...cpu, kept: ["feature"] });
  const { outputs, kept } = await session.runKeeping({
    x: float32([2], [0, 1]),
  });
  assertEquals(Object.keys(outputs), ["y"]);
  assertEquals(kept, { feature: float32([2], [-0, -1]) });
});

Deno.test({
  ...onSoftwareGpu("weights in 8 bits are float32 before a GPU runs"),
  async fn() {
    const g = new GraphBuilder("rounded");
    const data = new TorchGenerator(2).randn([4, 3]);
    const w = g.parameter("w", [4, 3], { data });
    const graph = g.build({
      y: g.gemm(g.input("x", "float32", [2, 3]), w, null, { transB: 1 }),
    });
    const rounded = { ...webgpu, precision: "int8-weights" } as const;
    assertEquals(await nodesOffDevice(graph, rounded), []);
    const x = new TorchGenerator(3).randn([2, 3]);
    const [there, here] = await Promise.all(
      [rounded, { ...rounded, ...cpu, device: "cpu" } as const].map(
        async (options) => {
          await using session = await openSession(graph, options);
          return [...(await session.run({ x })).y.data];
        },
      ),
    );
    here.forEach((value, i) => assertAlmostEquals(there[i], value, 1e-5));
  },
});
