/** A small graph for every operator of the builder, for tests against other implementations. */
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import {
  type DType,
  float32,
  int64,
  sizeOf,
  type Tensor,
  tensor,
} from "@dip-go/core/tensor";

type Body = (
  g: GraphBuilder,
  x: (...shape: number[]) => Value,
) => Value | readonly Value[];

const window = { strides: [2, 1], pads: [1, 0, 2, 1], dilations: [1, 2] };
const truth = (g: GraphBuilder) =>
  g.constant(tensor("bool", [3, 1], Uint8Array.of(1, 0, 1)));

/** The nodes that each case adds to a graph, by name; `x(...)` declares a float32 input. */
const bodies: Readonly<Record<string, Body>> = {
  Abs: (g, x) => g.abs(x(2, 3)),
  Cos: (g, x) => g.cos(x(2, 3)),
  Erf: (g, x) => g.erf(x(2, 3)),
  Exp: (g, x) => g.exp(x(2, 3)),
  Floor: (g, x) => g.floor(x(2, 3)),
  Identity: (g, x) => g.identity(x(2, 3)),
  Log: (g, x) => g.log(x(2, 3)),
  Neg: (g, x) => g.neg(x(2, 3)),
  Reciprocal: (g, x) => g.reciprocal(x(2, 3)),
  Relu: (g, x) => g.relu(x(2, 3)),
  Sigmoid: (g, x) => g.sigmoid(x(2, 3)),
  Sign: (g, x) => g.sign(x(2, 3)),
  Sin: (g, x) => g.sin(x(2, 3)),
  Sqrt: (g, x) => g.sqrt(x(2, 3)),
  Tanh: (g, x) => g.tanh(x(2, 3)),
  Gelu: (g, x) => g.gelu(x(2, 3)),
  "Gelu tanh": (g, x) => g.gelu(x(2, 3), { approximate: "tanh" }),
  QuickGelu: (g, x) => g.silu(x(2, 3)),
  Softmax: (g, x) => g.softmax(x(2, 3), { axis: 0 }),
  Add: (g, x) => g.add(x(2, 1, 3), x(4, 1)),
  Sub: (g, x) => g.sub(x(), x(4, 1)),
  Mul: (g, x) => g.mul(x(3), x(2, 3)),
  Div: (g, x) => g.div(x(3), x(2, 1)),
  Pow: (g, x) => g.pow(x(3), g.scalar(2)),
  Max: (g, x) => g.max(x(3), x(2, 3)),
  Min: (g, x) => g.min(x(3), x(2, 3)),
  Equal: (g, x) => g.equal(x(3), x(2, 3)),
  Greater: (g, x) => g.greater(x(3), x(2, 3)),
  Less: (g, x) => g.less(x(3), x(2, 3)),
  Where: (g, x) => g.where(truth(g), x(4), x(2, 1, 1)),
  Cast: (g, x) =>
    ([
      "float32",
      "float64",
      "float16",
      "int32",
      "int64",
      "uint8",
      "bool",
    ] as DType[])
      .map((dtype) => g.cast(x(2), dtype)),
  MatMul: (g, x) => g.matMul(x(2, 1, 3, 4), x(5, 4, 6)),
  "MatMul vector": (g, x) => g.matMul(x(2, 3, 4), x(4)),
  FusedMatMul: (g, x) =>
    g.fusedMatMul(x(2, 4, 3), x(2, 6, 4), { transA: 1, transB: 1, alpha: 2 }),
  "DynamicQuantizeLinear and MatMulInteger": (g, x) => {
    const { quantized, zeroPoint } = g.dynamicQuantizeLinear(x(2, 3, 4));
    return g.matMulInteger(
      quantized,
      g.constant(tensor("int8", [4, 5], new Int8Array(20).fill(3))),
      zeroPoint,
    );
  },
  DequantizeLinear: (g, x) =>
    g.dequantizeLinear(g.dynamicQuantizeLinear(x(2, 3, 4))),
  Gemm: (g, x) => g.gemm(x(4, 3), x(5, 4), x(5), { transA: 1, transB: 1 }),
  Conv: (g, x) =>
    g.conv(x(2, 4, 7, 8), x(6, 2, 3, 2), x(6), { ...window, group: 2 }),
  ConvTranspose: (g, x) =>
    g.convTranspose(x(2, 4, 5, 6), x(4, 3, 3, 2), x(6), {
      ...window,
      group: 2,
      outputPadding: [1, 0],
    }),
  AveragePool: (g, x) =>
    g.averagePool(x(1, 2, 7, 8), { kernel: [3, 2], pads: [1, 0, 1, 1] }),
  MaxPool: (g, x) =>
    g.maxPool(x(1, 2, 7, 8), { kernel: [3, 2], strides: [2, 3] }),
  DepthToSpace: (g, x) => g.depthToSpace(x(2, 8, 3, 4), { blockSize: 2 }),
  MultiHeadAttention: (g, x) =>
    g.multiHeadAttention(x(2, 3, 8), x(2, 5, 8), x(2, 5, 4), { heads: 2 }),
  LayerNormalization: (g, x) => g.layerNormalization(x(2, 3, 4), x(4), x(4)),
  "LayerNormalization statistics": (g, x) =>
    Object.values(
      g.layerNormalizationStatistics(x(2, 3, 4), x(3, 4), { axis: 1 }),
    ),
  InstanceNormalization: (g, x) =>
    g.instanceNormalization(x(2, 3, 4), x(3), x(3)),
  ReduceMean: (g, x) => g.reduceMean(x(2, 3, 4), { axes: [-1, 0] }),
  ReduceSum: (g, x) => g.reduceSum(x(2, 3, 4), { axes: [1], keepDims: false }),
  ReduceMax: (g, x) => g.reduceMax(x(2, 3, 4), { keepDims: false }),
  Reshape: (g, x) => g.reshape(x(2, 3, 4), [0, -1, 2]),
  Transpose: (g, x) => g.transpose(x(2, 3, 4), [2, 0, 1]),
  Concat: (g, x) => g.concat([x(2, 1, 4), x(2, 3, 4)], { axis: -2 }),
  Slice: (g, x) =>
    g.slice(x(5, 6, 7), { axes: [0, -1], starts: [-3, 1], ends: [99, -1] }),
  "Slice steps": (g, x) =>
    g.slice(x(5, 6, 7), {
      axes: [2, 1, 0],
      starts: [99, 1, -1],
      ends: [-99, 6, 1],
      steps: [-2, 4, -1],
    }),
  "Slice empty": (g, x) => g.slice(x(5), { axes: [0], starts: [3], ends: [2] }),
  Split: (g, x) => g.split(x(2, 6), [1, 2, 3], { axis: -1 }),
  "Split equal": (g, x) => g.chunk(x(2, 6), 3, { axis: 1 }),
  Pad: (g, x) => g.pad(x(2, 3), [0, 1, 2, 3]),
  Expand: (g, x) => g.expand(x(3, 1), [2, 1, 4]),
  Gather: (g, x) =>
    g.gather(x(2, 3, 4), g.constant(int64([2, 2], [0, 2, 1, 1])), { axis: 1 }),
  ScatterND: (g, x) =>
    g.scatterND(x(3, 4), g.constant(int64([2, 1], [0, 2])), x(2, 4), {
      reduction: "add",
    }),
  Resize: (g, x) => g.resize(x(1, 2, 3, 4), [1, 2, 6, 7]),
  "Resize linear": (g, x) =>
    g.resize(x(1, 2, 3, 4), [1, 2, 6, 7], {
      mode: "linear",
      coordinates: "half_pixel",
    }),
};

/** A graph of one operator, with feeds for it. */
export interface OperatorCase {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** Every case; feeds are positive and differ from element to element. */
export function operatorCases(): OperatorCase[] {
  return Object.entries(bodies).map(([name, body]) => {
    const g = new GraphBuilder(name);
    const feeds: Record<string, Tensor> = {};
    const made = body(g, (...shape) => {
      const input = `x${Object.keys(feeds).length}`;
      feeds[input] = float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => 0.5 + i / 8),
      );
      return g.input(input, "float32", shape);
    });
    const outputs = [made].flat().map((value, i) => [`y${i}`, value]);
    return { name, graph: g.build(Object.fromEntries(outputs)), feeds };
  });
}
