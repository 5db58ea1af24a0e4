/** Tests every operator's VJP rule against central differences, and the backward walk. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import { operators } from "../onnx/ops/registry.ts";
import { openSession } from "../runtime/session.ts";
import {
  float32,
  int64,
  sizeOf,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/tensor.ts";
import { dearProducts } from "./dear_products.ts";
import { gradientErrors } from "@dip-go/testing/operators";
import { cotangentOf, gradientOf, vjpGraph } from "./vjp.ts";

/** Values without a pattern between `from` and `to`. */
function values(
  shape: readonly number[],
  { from = -1, to = 1, seed = 0 } = {},
): Tensor {
  const at = (i: number) =>
    Math.abs(Math.sin((i + 1) * 12.9898 + seed) * 437.5);
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => at(i) % 1);
  return float32(shape, data.map((u) => from + (to - from) * u));
}

/** Distinct values at least 0.1 apart and 0.05 from 0: no kink lies within a difference. */
function apart(shape: readonly number[], stride = 7): Tensor {
  const size = sizeOf(shape);
  const data = Array.from(
    { length: size },
    (_, i) => ((i * stride) % size - Math.floor(size / 2)) * 0.1 + 0.05,
  );
  assertEquals(new Set(data).size, size);
  return float32(shape, data);
}

type Operands = Record<string, Value>;

/** A graph to differentiate; the first word of a case's name is the tested operator. */
interface RuleCase {
  readonly feeds: Record<string, Tensor>;
  readonly y: (g: GraphBuilder, operands: Operands) => Value | Value[];
}

const x34 = { x: values([3, 4]) };
const positive = { x: values([3, 4], { from: 0.5, to: 2 }) };
const ab = { a: values([2, 3, 4]), b: values([3, 1], { seed: 1 }) };
const images = (channels: number, h = 6, w = 5) => values([2, channels, h, w]);
const convFeeds = (
  x: Tensor,
  w: readonly number[],
  filters = w[0],
) => ({
  x,
  w: values(w, { seed: 2 }),
  b: values([filters], { seed: 3 }),
});
const conv =
  (options: Parameters<GraphBuilder["conv"]>[3]): RuleCase["y"] =>
  (g, { x, w, b }) => g.conv(x, w, b, options);
const convTranspose =
  (options: Parameters<GraphBuilder["convTranspose"]>[3]): RuleCase["y"] =>
  (g, { x, w, b }) => g.convTranspose(x, w, b, options);
const attention = (scale: number) => ({
  q: values([2, 3, 4], { from: -scale, to: scale }),
  k: values([2, 5, 4], { from: -scale, to: scale, seed: 1 }),
  v: values([2, 5, 4], { seed: 2 }),
});
const resize = (
  sizes: readonly number[],
  options: Parameters<GraphBuilder["resize"]>[2] = {},
): RuleCase => ({
  feeds: { x: values([1, 2, 4, 5]) },
  y: (g, { x }) => g.resize(x, [1, 2, ...sizes], options),
});
const even = { kernel: [2, 2], strides: [2, 2] };
const overlapping = { kernel: [3, 3], strides: [2, 1], pads: [1, 0, 0, 2] };

const cases: Readonly<Record<string, RuleCase>> = {
  "Abs": { feeds: { x: apart([3, 5]) }, y: (g, { x }) => g.abs(x) },
  "Add broadcast": { feeds: ab, y: (g, { a, b }) => g.add(a, b) },
  "AveragePool tiling": {
    feeds: { x: images(3, 6, 4) },
    y: (g, { x }) => g.averagePool(x, even),
  },
  "AveragePool overlapping, padding counted": {
    feeds: { x: images(2) },
    y: (g, { x }) => g.averagePool(x, overlapping),
  },
  "AveragePool overlapping, padding not counted": {
    feeds: { x: images(2) },
    y: (g, { x }) =>
      g.node("AveragePool", [x], {
        attributes: {
          kernel_shape: [3, 3],
          strides: [2, 1],
          pads: [1, 0, 0, 2],
        },
      }),
  },
  "Cast": {
    feeds: x34,
    y: (g, { x }) => g.cast(g.cast(g.sin(x), "float64"), "float32"),
  },
  "Concat": {
    feeds: { a: values([2, 3]), b: values([2, 1]), c: values([2, 2]) },
    y: (g, { a, b, c }) => g.sin(g.concat([a, b, c], { axis: -1 })),
  },
  "Conv 3x3": {
    feeds: convFeeds(images(2), [3, 2, 3, 3]),
    y: conv({ pads: [1, 1, 1, 1] }),
  },
  "Conv asymmetric padding": {
    feeds: convFeeds(images(2), [3, 2, 3, 3]),
    y: conv({ pads: [1, 0, 2, 1] }),
  },
  "Conv asymmetric padding, dilation": {
    feeds: convFeeds(images(2), [3, 2, 3, 2]),
    y: conv({ pads: [2, 0, 1, 1], dilations: [2, 1] }),
  },
  "Conv padding beyond the kernel": {
    feeds: convFeeds(images(1, 3, 3), [2, 1, 2, 1]),
    y: conv({ pads: [2, 1, 0, 0] }),
  },
  "Conv stride 2, rows left over": {
    feeds: convFeeds(images(2, 6, 7), [3, 2, 3, 3]),
    y: conv({ strides: [2, 3], pads: [0, 1, 0, 0] }),
  },
  "Conv groups": {
    feeds: convFeeds(images(4), [6, 2, 3, 3]),
    y: conv({ group: 2, pads: [1, 1, 1, 1] }),
  },
  "Conv depthwise, stride 2": {
    feeds: convFeeds(images(3), [3, 1, 3, 3]),
    y: conv({ group: 3, strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  "Conv patches": {
    feeds: convFeeds(images(2, 6, 4), [5, 2, 3, 2]),
    y: conv({ strides: [3, 2] }),
  },
  "Conv patches, groups": {
    feeds: convFeeds(images(4, 4, 4), [6, 2, 2, 2]),
    y: conv({ strides: [2, 2], group: 2 }),
  },
  "Conv without bias": {
    feeds: { x: images(2), w: values([3, 2, 3, 3]) },
    y: (g, { x, w }) => g.conv(x, w),
  },
  "Conv 1x1": { feeds: convFeeds(images(3), [4, 3, 1, 1]), y: conv({}) },
  "ConvTranspose": {
    feeds: convFeeds(images(3, 4, 3), [3, 2, 3, 3], 2),
    y: convTranspose({ pads: [1, 0, 0, 1] }),
  },
  "ConvTranspose stride 2, groups, output padding": {
    feeds: convFeeds(images(4, 3, 4), [4, 3, 3, 3], 6),
    y: convTranspose({
      group: 2,
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      outputPadding: [1, 0],
    }),
  },
  "Cos": { feeds: x34, y: (g, { x }) => g.cos(x) },
  "Div broadcast": {
    feeds: { a: ab.a, b: values([3, 1], { from: 1, to: 2 }) },
    y: (g, { a, b }) => g.div(a, b),
  },
  "Erf": { feeds: x34, y: (g, { x }) => g.erf(x) },
  "Exp": { feeds: x34, y: (g, { x }) => g.exp(x) },
  "Expand": {
    feeds: { x: values([3, 1]) },
    y: (g, { x }) => g.expand(x, [2, 3, 4]),
  },
  "FusedMatMul": {
    feeds: { a: values([2, 3, 4]), b: values([2, 3, 5]) },
    y: (g, { a, b }) => g.fusedMatMul(a, b, { alpha: 0.7, transA: 1 }),
  },
  "FusedMatMul right transposed, shared": {
    feeds: { a: values([2, 3, 4]), b: values([5, 4]) },
    y: (g, { a, b }) => g.fusedMatMul(a, b, { alpha: 0.7, transB: 1 }),
  },
  "FusedMatMul both transposed": {
    feeds: { a: values([2, 4, 3]), b: values([5, 4]) },
    y: (g, { a, b }) => g.fusedMatMul(a, b, { transA: 1, transB: 1 }),
  },
  "Gather repeated rows": {
    feeds: { x: values([4, 3]), i: int64([2, 2], [1, 3, 3, 0]) },
    y: (g, { x, i }) => g.gather(x, i),
  },
  "Gather inner axis": {
    feeds: { x: values([2, 4, 3]), i: int64([3], [1, 1, 2]) },
    y: (g, { x, i }) => g.gather(x, i, { axis: 1 }),
  },
  "Gather matrix of indices, inner axis": {
    feeds: { x: values([2, 4, 3]), i: int64([2, 2], [1, 1, 2, 0]) },
    y: (g, { x, i }) => g.gather(x, i, { axis: -2 }),
  },
  "Gather scalar index": {
    feeds: { x: values([2, 4]), i: int64([], [2]) },
    y: (g, { x, i }) => g.gather(x, i, { axis: 1 }),
  },
  "Gather negative index": {
    feeds: { x: values([4, 2]), i: int64([2], [-1, 0]) },
    y: (g, { x, i }) => g.gather(x, i),
  },
  "Gelu": { feeds: x34, y: (g, { x }) => g.gelu(x) },
  "Gelu tanh": {
    feeds: x34,
    y: (g, { x }) => g.gelu(x, { approximate: "tanh" }),
  },
  "Gemm": {
    feeds: { a: values([3, 4]), b: values([4, 5]), c: values([5]) },
    y: (g, { a, b, c }) => g.gemm(a, b, c, { alpha: 0.7, beta: 0.3 }),
  },
  "Gemm without C": {
    feeds: { a: values([3, 4]), b: values([4, 5]) },
    y: (g, { a, b }) => g.gemm(a, b),
  },
  "Gemm transposed": {
    feeds: { a: values([4, 3]), b: values([5, 4]), c: values([3, 1]) },
    y: (g, { a, b, c }) => g.gemm(a, b, c, { transA: 1, transB: 1 }),
  },
  "Identity": { feeds: x34, y: (g, { x }) => g.sin(g.identity(x)) },
  "InstanceNormalization": {
    feeds: {
      x: images(3, 2, 4),
      scale: values([3], { seed: 1 }),
      bias: values([3]),
    },
    y: (g, { x, scale, bias }) => g.instanceNormalization(x, scale, bias),
  },
  "InstanceNormalization of groups": {
    feeds: { x: images(4, 2, 3) },
    y: (g, { x }) => {
      const grouped = g.reshape(x, [2, 2, -1]);
      const ones = g.constant(float32([2], [1, 1]));
      const none = g.constant(float32([2], [0, 0]));
      return g.instanceNormalization(grouped, ones, none, { epsilon: 0.1 });
    },
  },
  "LayerNormalization": {
    feeds: { x: values([2, 3, 6]), scale: values([6]), bias: values([6]) },
    y: (g, { x, scale, bias }) => g.layerNormalization(x, scale, bias),
  },
  "LayerNormalization over two axes": {
    feeds: { x: values([2, 3, 4]), scale: values([3, 4]) },
    y: (g, { x, scale }) => g.layerNormalization(x, scale, null, { axis: 1 }),
  },
  "Log": { feeds: positive, y: (g, { x }) => g.log(x) },
  "MatMul batched": {
    feeds: { a: values([2, 3, 4]), b: values([2, 4, 5]) },
    y: (g, { a, b }) => g.matMul(a, b),
  },
  "MatMul batch broadcast": {
    feeds: { a: values([2, 1, 3, 4]), b: values([3, 4, 2]) },
    y: (g, { a, b }) => g.matMul(a, b),
  },
  "MatMul vector": {
    feeds: { a: values([2, 3, 4]), b: values([4]) },
    y: (g, { a, b }) => g.matMul(a, b),
  },
  "Max": {
    feeds: { a: apart([3, 5]), b: apart([3, 5], 4) },
    y: (g, { a, b }) => g.max(a, g.add(b, g.scalar(0.05))),
  },
  "MaxPool tiling": {
    feeds: { x: apart([1, 2, 6, 4]) },
    y: (g, { x }) => g.maxPool(x, even),
  },
  "MaxPool overlapping, padded": {
    feeds: { x: apart([1, 2, 6, 5]) },
    y: (g, { x }) => g.maxPool(x, overlapping),
  },
  "Min": {
    feeds: { a: apart([3, 5]), b: apart([3, 5], 4) },
    y: (g, { a, b }) => g.min(a, g.add(b, g.scalar(0.05))),
  },
  "Mul broadcast": { feeds: ab, y: (g, { a, b }) => g.mul(a, b) },
  "MultiHeadAttention": {
    feeds: attention(2),
    y: (g, { q, k, v }) => g.multiHeadAttention(q, k, v, { heads: 2 }),
  },
  "MultiHeadAttention with a bias a head": {
    feeds: attention(2),
    y: (g, { q, k, v }) =>
      g.multiHeadAttention(q, k, v, {
        heads: 2,
        bias: g.constant(values([1, 2, 3, 5])),
      }),
  },
  "MultiHeadAttention with a scale of its own": {
    feeds: attention(2),
    y: (g, { q, k, v }) =>
      g.multiHeadAttention(q, k, v, { heads: 2, scale: 1 }),
  },
  "Neg": { feeds: x34, y: (g, { x }) => g.neg(x) },
  "Pad": {
    feeds: { x: values([2, 3]) },
    y: (g, { x }) => g.sin(g.pad(x, [1, 0, 0, 2])),
  },
  "Pow": {
    feeds: { a: values([3, 4], { from: 0.5, to: 2 }), b: values([4]) },
    y: (g, { a, b }) => g.pow(a, b),
  },
  "Pow square of either sign": {
    feeds: x34,
    y: (g, { x }) => g.pow(x, g.scalar(2)),
  },
  "QuickGelu": { feeds: x34, y: (g, { x }) => g.quickGelu(x) },
  "QuickGelu SiLU": { feeds: x34, y: (g, { x }) => g.silu(x) },
  "Reciprocal": { feeds: positive, y: (g, { x }) => g.reciprocal(x) },
  "ReduceMax": {
    feeds: { x: apart([2, 3, 4]) },
    y: (g, { x }) => g.reduceMax(x, { axes: [0, -1], keepDims: false }),
  },
  "ReduceMax of all": {
    feeds: { x: apart([3, 5]) },
    y: (g, { x }) => g.reduceMax(x),
  },
  "ReduceMean": {
    feeds: { x: values([2, 3, 4]) },
    y: (g, { x }) => g.sin(g.reduceMean(x, { axes: [1, -1] })),
  },
  "ReduceMean of all": {
    feeds: { x: values([2, 3]) },
    y: (g, { x }) => g.reduceMean(g.sin(x), { keepDims: false }),
  },
  "ReduceSum": {
    feeds: { x: values([2, 3, 4]) },
    y: (g, { x }) => g.sin(g.reduceSum(x, { axes: [1], keepDims: false })),
  },
  "Relu": { feeds: { x: apart([3, 5]) }, y: (g, { x }) => g.relu(x) },
  "Reshape": {
    feeds: { x: values([2, 6]) },
    y: (g, { x }) => g.sin(g.reshape(x, [3, -1])),
  },
  "Resize nearest, whole factor": resize([8, 15]),
  "Resize nearest, any factor": resize([7, 3]),
  "Resize nearest, one axis": resize([4, 3]),
  "Resize linear up, half pixel": resize([7, 11], {
    mode: "linear",
    coordinates: "half_pixel",
  }),
  "Resize linear down, half pixel": resize([3, 2], {
    mode: "linear",
    coordinates: "half_pixel",
  }),
  "Resize linear up, corners aligned": resize([7, 11], {
    mode: "linear",
    coordinates: "align_corners",
  }),
  "Resize linear down, corners aligned": resize([1, 3], {
    mode: "linear",
    coordinates: "align_corners",
  }),
  "Sigmoid": { feeds: x34, y: (g, { x }) => g.sigmoid(x) },
  "Sin": { feeds: x34, y: (g, { x }) => g.sin(x) },
  "Slice": {
    feeds: { x: values([5, 6]) },
    y: (g, { x }) =>
      g.slice(x, { axes: [0, 1], starts: [1, 2], ends: [4, 99] }),
  },
  "Slice with steps": {
    feeds: { x: values([7, 6]) },
    y: (g, { x }) =>
      g.slice(x, {
        axes: [0, -1],
        starts: [1, -1],
        ends: [6, -99],
        steps: [2, -2],
      }),
  },
  "Slice step on one axis, range on another": {
    feeds: { x: values([7, 6]) },
    y: (g, { x }) =>
      g.slice(x, { axes: [0, 1], starts: [0, 1], ends: [7, 4], steps: [3, 1] }),
  },
  "Softmax": { feeds: x34, y: (g, { x }) => g.softmax(x) },
  "Softmax first axis": {
    feeds: x34,
    y: (g, { x }) => g.softmax(x, { axis: 0 }),
  },
  "Split": {
    feeds: { x: values([2, 6]) },
    y: (g, { x }) => g.split(x, [1, 3, 2], { axis: -1 }).map((p) => g.sin(p)),
  },
  "Split with an unused part": {
    feeds: { x: values([2, 6]) },
    y: (g, { x }) => g.sin(g.split(x, [1, 3, 2], { axis: 1 })[1]),
  },
  "Sqrt": { feeds: positive, y: (g, { x }) => g.sqrt(x) },
  "Sub broadcast": { feeds: ab, y: (g, { a, b }) => g.sub(b, a) },
  "Tanh": { feeds: x34, y: (g, { x }) => g.tanh(x) },
  "Transpose": {
    feeds: { x: values([2, 3, 4]) },
    y: (g, { x }) => g.transpose(x, [2, 0, 1]),
  },
  "Where": {
    feeds: {
      condition: tensor("bool", [2, 1], Uint8Array.of(1, 0)),
      a: values([2, 3]),
      b: values([3]),
    },
    y: (g, { condition, a, b }) => g.where(condition, a, b),
  },
};

/** The graph of a case; each operand is an input. */
function graphOf({ feeds, y }: RuleCase, name = "case") {
  const g = new GraphBuilder(name);
  const operands = Object.entries(feeds).map(([input, { dtype, shape }]) => [
    input,
    g.input(input, dtype, shape),
  ]);
  const results = [y(g, Object.fromEntries(operands))].flat();
  return g.build(Object.fromEntries(results.map((v, i) => [`y${i}`, v])));
}

const isFloat = ([, { dtype }]: [string, Tensor]) => dtype === "float32";
const floatsOf = (feeds: Record<string, Tensor>) =>
  Object.entries(feeds).filter(isFloat).map(([name]) => name);

for (const [name, ruleCase] of Object.entries(cases)) {
  Deno.test(`VJP rule of ${name} agrees with central differences`, async () => {
    const { feeds } = ruleCase;
    const graph = graphOf(ruleCase, name);
    const errors = await gradientErrors(graph, { feeds, wrt: floatsOf(feeds) });
    for (const [input, error] of Object.entries(errors)) {
      assert(error < 1e-3, `gradient of ${input}: relative error ${error}`);
    }
  });
}

const differentiable = Object.entries(operators)
  .filter(([, { vjp }]) => vjp).map(([name]) => name).sort();

Deno.test("each rule has a case", () => {
  const tested = new Set(Object.keys(cases).map((name) => name.split(" ")[0]));
  assertEquals([...tested].sort(), differentiable);
});

/** Operators that are piecewise constant, or that only gradients (ScatterND), sessions or files have. */
const notDifferentiable = [
  "DepthToSpace",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
  "Equal",
  "FastGelu",
  "Floor",
  "Greater",
  "Less",
  "MatMulInteger",
  "ScatterND",
  "Sign",
];

Deno.test("each operator has a rule or is listed as not differentiable", () => {
  const expected = [...differentiable, ...notDifferentiable].sort();
  assertEquals(Object.keys(operators).sort(), expected);
});

/** Runs the VJP of a case with cotangents of one. */
async function gradients(ruleCase: RuleCase, wrt = floatsOf(ruleCase.feeds)) {
  const graph = vjpGraph(graphOf(ruleCase), { wrt, seed: "ones" });
  await using session = await openSession(graph, { threads: 1 });
  const results = await session.run(ruleCase.feeds);
  return Object.fromEntries(
    wrt.map((name) => [name, [...results[gradientOf(name)].data]]),
  );
}

Deno.test("vjpGraph() gives an unused target gradient zero", async () => {
  const feeds = { x: float32([2], [1, 2]), unused: float32([3], [1, 2, 3]) };
  const result = await gradients({ feeds, y: (g, { x }) => g.mul(x, x) });
  assertEquals(result, { x: [2, 4], unused: [0, 0, 0] });
});

Deno.test("vjpGraph() refuses an integer target", () => {
  const feeds = { x: values([3, 2]), i: int64([1], [0]) };
  const graph = graphOf({ feeds, y: (g, { x, i }) => g.gather(x, i) });
  assertThrows(
    () => vjpGraph(graph, { wrt: ["i"] }),
    TypeError,
    'with respect to "i": it is int64[1], expected a float',
  );
});

Deno.test("vjpGraph() sums over the axes that broadcasting added", async () => {
  const feeds = { a: float32([2, 3], [1, 2, 3, 4, 5, 6]), b: float32([], [2]) };
  const result = await gradients({ feeds, y: (g, { a, b }) => g.mul(a, b) });
  assertEquals(result, { a: [2, 2, 2, 2, 2, 2], b: [21] });
});

Deno.test("vjpGraph() adds up the uses of a value", async () => {
  const feeds = { x: float32([2], [3, 4]) };
  const y: RuleCase["y"] = (g, { x }) => [g.mul(x, x), g.neg(x), x];
  assertEquals(await gradients({ feeds, y }), { x: [6, 8] });
});

Deno.test("vjpGraph() names the operator and node that has no rule", () => {
  const { feeds } = cases["Abs"];
  const graph = graphOf({
    feeds,
    y: (g, { x }) => g.scope("block.3", () => g.sin(g.sign(x))),
  });
  assertThrows(
    () => vjpGraph(graph, { wrt: ["x"] }),
    RangeError,
    'no VJP rule for operator Sign (node "block.3/Sign")',
  );
});

Deno.test("vjpGraph() keeps forward outputs and takes cotangents as inputs", async () => {
  const feeds = { x: float32([2], [3, 4]) };
  const graph = graphOf({ feeds, y: (g, { x }) => g.mul(x, x) });
  const vjp = vjpGraph(graph, { wrt: ["x"], keep: ["y0"] });
  await using session = await openSession(vjp, { threads: 1 });
  const cotangent = float32([2], [10, 100]);
  const result = await session.run({
    ...feeds,
    [cotangentOf("y0")]: cotangent,
  });
  assertEquals([...result.y0.data], [9, 16]);
  assertEquals([...result[gradientOf("x")].data], [60, 800]);
});

Deno.test("vjpGraph() takes the given values that it needs as inputs instead of computing them", async () => {
  const feeds = { x: float32([2], [3, 4]) };
  const graph = graphOf({
    feeds,
    y: (g, { x }) => g.sin(g.scope("inner", () => g.mul(x, g.neg(x)))),
  });
  const given = ["inner/Neg", "inner/Mul", "y0"];
  const vjp = vjpGraph(graph, { wrt: ["x"], given });
  assertEquals(
    vjp.inputs.map(({ name }) => name),
    ["x", "inner/Neg", "inner/Mul", cotangentOf("y0")],
  );
  assert(!vjp.nodes.some(({ outputs }) => given.includes(outputs[0])));
  await using session = await openSession(vjp, { threads: 1 });
  const result = await session.run({
    ...feeds,
    "inner/Mul": float32([2], [-9, -16]),
    "inner/Neg": float32([2], [-3, -4]),
    [cotangentOf("y0")]: float32([2], [1, 1]),
  });
  const expected = [3, 4].map((x) => -2 * x * Math.cos(-x * x));
  for (const [i, d] of [...result[gradientOf("x")].data].entries()) {
    assertAlmostEquals(Number(d), expected[i], 1e-5);
  }
});

Deno.test("dearProducts() returns products with 128 multiply-accumulates an element or more", () => {
  const g = new GraphBuilder("products");
  const x = g.input("x", "float32", [2, 128]);
  const weight = (name: string, shape: readonly number[]) =>
    g.parameter(name, shape, { data: zeros(shape) });
  const dear = g.matMul(x, weight("a", [128, 16]));
  const cheap = g.matMul(dear, weight("b", [16, 127]));
  const own = g.matMul(cheap, g.transpose(cheap, [1, 0])); // no weight
  const graph = g.build({ y: own });
  assertEquals(dearProducts(graph), [dear.name]);
});

Deno.test("tied maxima share the cotangent equally", async () => {
  const feeds = { x: float32([1, 1, 2, 2], [5, 1, 5, 0]) };
  const shared = { x: [0.5, 0, 0.5, 0] };
  const pool: RuleCase["y"] = (g, { x }) => g.maxPool(x, even);
  const reduce: RuleCase["y"] = (g, { x }) => g.reduceMax(x);
  assertEquals(await gradients({ feeds, y: pool }), shared);
  assertEquals(await gradients({ feeds, y: reduce }), shared);
  const pair = { a: float32([2], [1, 2]), b: float32([2], [1, 3]) };
  const max = await gradients({ feeds: pair, y: (g, { a, b }) => g.max(a, b) });
  assertEquals(max, { a: [0.5, 0], b: [0.5, 1] });
});

Deno.test("padding takes no part in a max pool's ties", async () => {
  const feeds = { x: float32([1, 1, 1, 1], [0]) };
  const y: RuleCase["y"] = (g, { x }) =>
    g.maxPool(x, { kernel: [3, 3], pads: [1, 1, 1, 1] });
  assertEquals(await gradients({ feeds, y }), { x: [1] });
});

Deno.test("the rule of Resize refuses modes it does not know", () => {
  const feeds = { x: images(1, 2, 2) };
  const graph = graphOf({
    feeds,
    y: (g, { x }) =>
      g.node("Resize", [x, null, null, g.ints([2, 1, 4, 4])], {
        attributes: { mode: "cubic" },
      }),
  });
  assertThrows(
    () => vjpGraph(graph, { wrt: ["x"] }),
    RangeError,
    "mode is cubic, half_pixel",
  );
});

Deno.test("vjpGraph() refuses a product with transBatchA", () => {
  const g = new GraphBuilder("batch axis");
  const a = g.input("a", "float32", [3, 2, 4]);
  const b = g.input("b", "float32", [2, 4, 6]);
  const graph = g.build({ y: g.fusedMatMul(a, b, { transBatchA: 1 }) });
  assertThrows(
    () => vjpGraph(graph, { wrt: ["a"], seed: "ones" }),
    RangeError,
    'Cannot differentiate node "FusedMatMul" (FusedMatMul): transBatchA has no rule',
  );
});
