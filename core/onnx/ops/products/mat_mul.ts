/** MatMul and ONNX Runtime's FusedMatMul over the last two axes; batch axes are broadcast, and B may be a vector. */
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { axesOf, broadcastShapes, type Shape } from "../axes.ts";
import type { GpuRule, Operator, ShapeRule, VjpRule } from "../operator.ts";
import {
  leftCotangent,
  type Product,
  productMacs,
  productOf,
  rightCotangent,
} from "./product.ts";

/** The list with its last two entries exchanged. */
const lastTwoSwapped = (list: Shape): number[] => [
  ...list.slice(0, -2),
  ...list.slice(-2).reverse(),
];

/** `[M, ..., K]` → `[..., M, K]`. */
const firstInside = (list: Shape): number[] => [
  ...list.slice(1, -1),
  list[0],
  ...list.slice(-1),
];

const shape: ShapeRule = ({ node, x: a, input, fail }) => {
  const b = input(1);
  const { transA, transB } = productOf(node);
  if (b.shape.length === 1) {
    const k = a.shape.at(-1);
    if (k !== b.shape[0]) {
      fail(`inner dimensions ${k} and ${b.shape[0]} differ`);
    }
    return [{ dtype: a.dtype, shape: a.shape.slice(0, -1) }];
  }
  const rows = node.attributes.transBatchA ? firstInside(a.shape) : a.shape;
  const p = transA ? lastTwoSwapped(rows) : rows;
  const q = transB ? lastTwoSwapped(b.shape) : b.shape;
  if (p.length < 2) fail("the left operand needs at least two dimensions");
  const [m, k] = p.slice(-2);
  const [k2, n] = q.slice(-2);
  if (k !== k2) fail(`inner dimensions ${k} and ${k2} differ`);
  const batch = broadcastShapes(p.slice(0, -2), q.slice(0, -2)) ??
    fail("batch dimensions do not broadcast");
  return [{ dtype: a.dtype, shape: [...batch, m, n] }];
};

/** All axes but the last flattened: `[..., K]` → `[M, K]`. */
const asMatrix = (g: Operations, x: Value): Value =>
  g.reshape(x, [-1, x.shape[x.shape.length - 1]]);

/** @throws {RangeError} If `transBatchA` is set: only `winogradGraph` sets it, whose graphs get no gradient. */
const vjp: VjpRule = ({ g, node, x: a, inputs, dy: dY, wants }) => {
  if (node.attributes.transBatchA) {
    throw new RangeError(
      `Cannot differentiate node "${node.name}" (${node.op}): transBatchA has no rule`,
    );
  }
  const product = productOf(node);
  const vector = inputs[1]!.shape.length === 1;
  const b = vector ? g.reshape(inputs[1]!, [-1, 1]) : inputs[1]!;
  const dy = vector ? g.reshape(dY, [...dY.shape, 1]) : dY;
  const multiply = (p: Value, q: Value, options: Product) =>
    g.fusedMatMul(p, q, options);
  // If a batch shares matrix B, dB sums over it: one product of flattened operands does both.
  const shared = b.shape.length === 2 && a.shape.length > 2 && !product.transA;
  const dB = () =>
    rightCotangent(
      multiply,
      shared ? [asMatrix(g, a), asMatrix(g, dy)] : [a, dy],
      product,
    );
  return [
    wants(0) ? leftCotangent(multiply, [b, dy], product) : null,
    wants(1) ? (vector ? g.reshape(dB(), inputs[1]!.shape) : dB()) : null,
  ];
};

/** WebGPU's provider has no FusedMatMul. */
const spelledOut: GpuRule = ({ g, node, inputs }) => {
  const { alpha, transA, transB } = productOf(node);
  const moved = (x: Value, on: number, order: (axes: Shape) => number[]) =>
    on ? g.transpose(x, order(axesOf(x))) : x;
  const rows = moved(
    inputs[0]!,
    node.attributes.transBatchA ?? 0,
    firstInside,
  );
  const a = moved(rows, transA, lastTwoSwapped);
  const b = moved(inputs[1]!, transB, lastTwoSwapped);
  const product = g.matMul(a, b);
  return [
    alpha === 1 ? product : g.mul(product, g.scalar(alpha, product)),
  ];
};

export const matMul: Operator = { shape, macs: productMacs, vjp };

export const fusedMatMul: Operator = {
  ...matMul,
  domain: "com.microsoft",
  gpu: spelledOut,
};
