/**
 * Output shapes and dtypes of every operator our graphs use, one entry an
 * operator, after the operator's text in the ONNX specification (opset 20) or
 * ONNX Runtime's contrib operators. Shapes are static, so a disagreement is
 * found, and its node named, when the graph is built.
 */
import {
  describe,
  type DType,
  sameShape,
  sizeOf,
} from "../../tensor/tensor.ts";
import { intAttribute, intsAttribute } from "../attributes.ts";
import { dtypeOfCode } from "../data_types.ts";
import type { Node, Value } from "../graph.ts";

type Shape = readonly number[];

/** What a rule sees: the node, its inputs (null where omitted) and the integers of constant inputs. */
export interface ShapeCall {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  /** Integers of the i-th input, which must be a constant. */
  constant(i: number): readonly number[];
}

/** What a rule returns for each output. */
export interface Inferred {
  readonly dtype: DType;
  readonly shape: Shape;
}

type ShapeRule = (call: ShapeCall) => readonly Inferred[];

function fail({ node, inputs }: ShapeCall, what: string): never {
  const found = inputs.map((v) => v ? describe(v) : "none").join(", ");
  throw new RangeError(
    `Cannot infer the shape of node "${node.name}" (${node.op}): ${what}; inputs are ${found}`,
  );
}

function input(call: ShapeCall, i: number): Value {
  return call.inputs[i] ?? fail(call, `input ${i} is missing`);
}

/** NumPy broadcasting of two shapes, or null where they disagree. */
export function broadcastShapes(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) return null;
    shape.push(p === 1 ? q : p);
  }
  return shape;
}

/** An axis counted from the front. @throws {RangeError} If it is outside `[-rank, rank)`. */
export function normalizeAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw new RangeError(
      `Cannot use axis ${axis}: expected -${rank} to ${rank - 1}`,
    );
  }
  return positive;
}

const elementwise: ShapeRule = (call) => {
  const { dtype, shape } = input(call, 0);
  return [{ dtype, shape }];
};

const broadcast = (output?: DType): ShapeRule => (call) => {
  const a = input(call, 0);
  const b = input(call, 1);
  if (a.dtype !== b.dtype) {
    fail(call, `dtypes ${a.dtype} and ${b.dtype} differ`);
  }
  const shape = broadcastShapes(a.shape, b.shape) ??
    fail(call, `shapes [${a.shape}] and [${b.shape}] do not broadcast`);
  return [{ dtype: output ?? a.dtype, shape }];
};

const matMul: ShapeRule = (call) => {
  const a = input(call, 0);
  const b = input(call, 1);
  const swap = (s: Shape, on: number) =>
    on ? [...s.slice(0, -2), s[s.length - 1], s[s.length - 2]] : s;
  if (b.shape.length === 1) {
    const k = a.shape[a.shape.length - 1];
    if (k !== b.shape[0]) {
      fail(call, `inner dimensions ${k} and ${b.shape[0]} differ`);
    }
    return [{ dtype: a.dtype, shape: a.shape.slice(0, -1) }];
  }
  const lead = (s: Shape, on: number) =>
    on ? [...s.slice(1, -1), s[0], s[s.length - 1]] : s;
  const left = lead(a.shape, intAttribute(call.node, "transBatchA", 0));
  const p = swap(left, intAttribute(call.node, "transA", 0));
  const q = swap(b.shape, intAttribute(call.node, "transB", 0));
  if (p.length < 2) {
    fail(call, "the left operand needs at least two dimensions");
  }
  const [m, k] = p.slice(-2);
  const [k2, n] = q.slice(-2);
  if (k !== k2) fail(call, `inner dimensions ${k} and ${k2} differ`);
  const batch = broadcastShapes(p.slice(0, -2), q.slice(0, -2)) ??
    fail(call, "batch dimensions do not broadcast");
  return [{ dtype: a.dtype, shape: [...batch, m, n] }];
};

/** `[B, b·b·C, H, W]` → `[B, C, b·H, b·W]` */
const depthToSpace: ShapeRule = (call) => {
  const { dtype, shape: [B, C, H, W] } = input(call, 0);
  const side = intAttribute(call.node, "blocksize", 1);
  if (C % side ** 2 !== 0) {
    fail(call, `${C} channels are no multiple of ${side ** 2}`);
  }
  return [{ dtype, shape: [B, C / side ** 2, H * side, W * side] }];
};

const gemm: ShapeRule = (call) => {
  const a = input(call, 0);
  const b = input(call, 1);
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    fail(call, "operands must be matrices");
  }
  const transA = intAttribute(call.node, "transA", 0);
  const transB = intAttribute(call.node, "transB", 0);
  const [m, k] = transA ? [a.shape[1], a.shape[0]] : a.shape;
  const [k2, n] = transB ? [b.shape[1], b.shape[0]] : b.shape;
  if (k !== k2) fail(call, `inner dimensions ${k} and ${k2} differ`);
  const c = call.inputs[2];
  if (c && !sameShape(broadcastShapes(c.shape, [m, n]) ?? [], [m, n])) {
    fail(call, `C [${c.shape}] does not broadcast to [${m},${n}]`);
  }
  return [{ dtype: a.dtype, shape: [m, n] }];
};

/** Spatial padding `[begin..., end...]` of a convolution or pool of the given spatial rank. */
function padsOf(node: Node, rank: number): readonly number[] {
  return intsAttribute(node, "pads", Array(2 * rank).fill(0));
}

/** Output sizes of a sliding window (Conv, AveragePool, MaxPool), floor mode. */
function windowed(call: ShapeCall, spatial: Shape, kernel: Shape): Shape {
  const rank = spatial.length;
  const ones = Array(rank).fill(1);
  const strides = intsAttribute(call.node, "strides", ones);
  const dilations = intsAttribute(call.node, "dilations", ones);
  const pads = padsOf(call.node, rank);
  return spatial.map((size, i) => {
    const span = dilations[i] * (kernel[i] - 1) + 1;
    const out =
      Math.floor((size + pads[i] + pads[rank + i] - span) / strides[i]) + 1;
    return out > 0
      ? out
      : fail(call, `window ${span} does not fit spatial size ${size}`);
  });
}

const conv: ShapeRule = (call) => {
  const x = input(call, 0);
  const w = input(call, 1);
  const group = intAttribute(call.node, "group", 1);
  if (x.shape[1] !== w.shape[1] * group) {
    fail(
      call,
      `${x.shape[1]} input channels, expected ${w.shape[1]} x ${group} groups`,
    );
  }
  if (w.shape[0] % group !== 0) {
    fail(call, `${w.shape[0]} filters do not divide into ${group} groups`);
  }
  const spatial = windowed(call, x.shape.slice(2), w.shape.slice(2));
  return [{ dtype: x.dtype, shape: [x.shape[0], w.shape[0], ...spatial] }];
};

const convTranspose: ShapeRule = (call) => {
  const x = input(call, 0);
  const w = input(call, 1);
  const { node } = call;
  if (x.shape[1] !== w.shape[0]) {
    fail(call, `${x.shape[1]} input channels, expected ${w.shape[0]}`);
  }
  const rank = x.shape.length - 2;
  const ones = Array(rank).fill(1);
  const strides = intsAttribute(node, "strides", ones);
  const dilations = intsAttribute(node, "dilations", ones);
  const extra = intsAttribute(node, "output_padding", Array(rank).fill(0));
  const pads = padsOf(node, rank);
  const spatial = x.shape.slice(2).map((size, i) =>
    strides[i] * (size - 1) + extra[i] + dilations[i] * (w.shape[2 + i] - 1) +
    1 -
    pads[i] - pads[rank + i]
  );
  const channels = w.shape[1] * intAttribute(node, "group", 1);
  return [{ dtype: x.dtype, shape: [x.shape[0], channels, ...spatial] }];
};

const pool: ShapeRule = (call) => {
  const x = input(call, 0);
  const spatial = windowed(
    call,
    x.shape.slice(2),
    intsAttribute(call.node, "kernel_shape", []),
  );
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...spatial] }];
};

const normalization: ShapeRule = (call) => {
  const x = input(call, 0);
  const axis = normalizeAxis(
    intAttribute(call.node, "axis", -1),
    x.shape.length,
  );
  for (const i of [1, 2]) {
    const p = call.inputs[i];
    if (p && !sameShape(p.shape, x.shape.slice(axis))) {
      fail(
        call,
        `input ${i} is [${p.shape}], expected [${x.shape.slice(axis)}]`,
      );
    }
  }
  const statistic = {
    dtype: x.dtype,
    shape: x.shape.map((dim, i) => i < axis ? dim : 1),
  };
  return [{ dtype: x.dtype, shape: x.shape }, statistic, statistic].slice(
    0,
    call.node.outputs.length,
  );
};

const reduce: ShapeRule = (call) => {
  const x = input(call, 0);
  const all = x.shape.map((_, i) => i);
  const axes = call.inputs[1]
    ? call.constant(1).map((a) => normalizeAxis(a, x.shape.length))
    : all;
  const keep = intAttribute(call.node, "keepdims", 1);
  const shape = x.shape.flatMap((dim, i) =>
    axes.includes(i) ? (keep ? [1] : []) : [dim]
  );
  return [{ dtype: x.dtype, shape }];
};

const reshape: ShapeRule = (call) => {
  const x = input(call, 0);
  const wanted = call.constant(1).map((dim, i) => dim === 0 ? x.shape[i] : dim);
  const known = wanted.filter((d) => d !== -1).reduce((a, b) => a * b, 1);
  const shape = wanted.map((d) => d === -1 ? sizeOf(x.shape) / known : d);
  if (sizeOf(shape) !== sizeOf(x.shape) || !shape.every(Number.isInteger)) {
    fail(call, `cannot reshape to [${wanted}]`);
  }
  return [{ dtype: x.dtype, shape }];
};

const transpose: ShapeRule = (call) => {
  const x = input(call, 0);
  const perm = intsAttribute(
    call.node,
    "perm",
    x.shape.map((_, i) => i).reverse(),
  );
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== x.shape.length || sorted.some((p, i) => p !== i)) {
    fail(call, `perm [${perm}] is no permutation of its axes`);
  }
  return [{ dtype: x.dtype, shape: perm.map((p) => x.shape[p]) }];
};

const concat: ShapeRule = (call) => {
  const first = input(call, 0);
  const axis = normalizeAxis(
    intAttribute(call.node, "axis", 0),
    first.shape.length,
  );
  let size = 0;
  for (const value of call.inputs) {
    const same = value !== null && value.dtype === first.dtype &&
      value.shape.length === first.shape.length &&
      value.shape.every((dim, i) => i === axis || dim === first.shape[i]);
    if (!same) fail(call, `inputs differ outside axis ${axis}`);
    size += value.shape[axis];
  }
  return [{ dtype: first.dtype, shape: first.shape.with(axis, size) }];
};

const slice: ShapeRule = (call) => {
  const x = input(call, 0);
  const [starts, ends] = [call.constant(1), call.constant(2)];
  const axes = call.inputs[3] ? call.constant(3) : starts.map((_, i) => i);
  const steps = call.inputs[4] ? call.constant(4) : starts.map(() => 1);
  const shape = [...x.shape];
  axes.forEach((a, i) => {
    const axis = normalizeAxis(a, x.shape.length);
    const [from, to] = sliceBounds(starts[i], ends[i], steps[i], x.shape[axis]);
    shape[axis] = Math.max(0, Math.ceil((to - from) / steps[i]));
  });
  return [{ dtype: x.dtype, shape }];
};

/** ONNX Slice's clamping of one axis: first index and the (exclusive) last. */
export function sliceBounds(
  start: number,
  end: number,
  step: number,
  size: number,
): [number, number] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (v: number, min: number) =>
    Math.min(Math.max(v < 0 ? v + size : v, min), high);
  return [clamp(start, step > 0 ? low : 0), clamp(end, low)];
}

const split: ShapeRule = (call) => {
  const x = input(call, 0);
  const axis = normalizeAxis(
    intAttribute(call.node, "axis", 0),
    x.shape.length,
  );
  const sizes = call.constant(1);
  if (
    sizes.reduce((a, b) => a + b, 0) !== x.shape[axis] ||
    sizes.length !== call.node.outputs.length
  ) {
    fail(
      call,
      `sizes [${sizes}] do not split ${
        x.shape[axis]
      } into ${call.node.outputs.length} outputs`,
    );
  }
  return sizes.map((size) => ({
    dtype: x.dtype,
    shape: x.shape.with(axis, size),
  }));
};

const pad: ShapeRule = (call) => {
  const x = input(call, 0);
  const pads = call.constant(1);
  const rank = x.shape.length;
  if (pads.length !== 2 * rank) {
    fail(call, `${pads.length} pads, expected ${2 * rank}`);
  }
  return [{
    dtype: x.dtype,
    shape: x.shape.map((d, i) => d + pads[i] + pads[rank + i]),
  }];
};

const expand: ShapeRule = (call) => {
  const x = input(call, 0);
  const shape = broadcastShapes(x.shape, call.constant(1)) ??
    fail(call, `cannot expand to [${call.constant(1)}]`);
  return [{ dtype: x.dtype, shape }];
};

const gather: ShapeRule = (call) => {
  const data = input(call, 0);
  const indices = input(call, 1);
  const axis = normalizeAxis(
    intAttribute(call.node, "axis", 0),
    data.shape.length,
  );
  const shape = [
    ...data.shape.slice(0, axis),
    ...indices.shape,
    ...data.shape.slice(axis + 1),
  ];
  return [{ dtype: data.dtype, shape }];
};

const where: ShapeRule = (call) => {
  const [condition, a, b] = [input(call, 0), input(call, 1), input(call, 2)];
  if (condition.dtype !== "bool") fail(call, "the condition must be bool");
  if (a.dtype !== b.dtype) {
    fail(call, `dtypes ${a.dtype} and ${b.dtype} differ`);
  }
  const both = broadcastShapes(a.shape, b.shape);
  const shape = both && broadcastShapes(condition.shape, both);
  return [{
    dtype: a.dtype,
    shape: shape ?? fail(call, "inputs do not broadcast"),
  }];
};

const resize: ShapeRule = (call) => {
  const x = input(call, 0);
  const sizes = call.constant(3);
  if (sizes.length !== x.shape.length) {
    fail(call, `${sizes.length} sizes, expected ${x.shape.length}`);
  }
  return [{ dtype: x.dtype, shape: sizes }];
};

/** The bias has the scores' shape `[B, heads, L, S]`, or 1 for batch or heads. */
function checkAttentionBias(
  call: ShapeCall,
  scores: readonly number[],
): void {
  const bias = call.inputs[5];
  if (!bias) return;
  const fits = bias.shape.length === 4 &&
    bias.shape.every((n, i) => n === scores[i] || (n === 1 && i < 2));
  if (!fits) {
    fail(
      call,
      `bias is [${bias.shape}], expected [${scores}], 1 for the first two`,
    );
  }
}

const multiHeadAttention: ShapeRule = (call) => {
  const [q, k, v] = [input(call, 0), input(call, 1), input(call, 2)];
  const heads = intAttribute(call.node, "num_heads", 0);
  if (q.shape.length !== 3 || q.shape[2] % heads !== 0) {
    fail(call, `query must be [B, L, D] with D divisible by ${heads} heads`);
  }
  const [B, , D] = q.shape;
  if (
    !sameShape(k.shape, [B, k.shape[1], D]) ||
    !sameShape(v.shape, [B, k.shape[1], v.shape[2]])
  ) {
    fail(call, "key must be [B, S, D] and value [B, S, any width]");
  }
  checkAttentionBias(call, [B, heads, q.shape[1], k.shape[1]]);
  return [{ dtype: q.dtype, shape: [q.shape[0], q.shape[1], v.shape[2]] }];
};

const cast: ShapeRule = (call) => {
  const to = intAttribute(call.node, "to", 0);
  const dtype = dtypeOfCode(to) ??
    fail(call, `data type ${to} is not supported`);
  return [{ dtype, shape: input(call, 0).shape }];
};

const scatterND: ShapeRule = (call) => {
  const data = input(call, 0);
  const indices = input(call, 1);
  const updates = input(call, 2);
  const depth = indices.shape.at(-1) ?? 0;
  const expected = [...indices.shape.slice(0, -1), ...data.shape.slice(depth)];
  if (!sameShape(updates.shape, expected)) {
    fail(call, `updates are [${updates.shape}], expected [${expected}]`);
  }
  return [{ dtype: data.dtype, shape: data.shape }];
};

const instanceNormalization: ShapeRule = (call) => {
  const { dtype, shape } = input(call, 0);
  for (const i of [1, 2]) {
    const p = input(call, i);
    if (!sameShape(p.shape, [shape[1]])) {
      fail(call, `input ${i} is [${p.shape}], expected [${shape[1]}]`);
    }
  }
  return [{ dtype, shape }];
};

const rules: Readonly<Record<string, ShapeRule>> = {
  Abs: elementwise,
  Cos: elementwise,
  Erf: elementwise,
  Exp: elementwise,
  FastGelu: elementwise,
  Floor: elementwise,
  Gelu: elementwise,
  Identity: elementwise,
  Log: elementwise,
  Neg: elementwise,
  QuickGelu: elementwise,
  Reciprocal: elementwise,
  Relu: elementwise,
  Sigmoid: elementwise,
  Sign: elementwise,
  Sin: elementwise,
  Softmax: elementwise,
  Sqrt: elementwise,
  Tanh: elementwise,
  Add: broadcast(),
  Sub: broadcast(),
  Mul: broadcast(),
  Div: broadcast(),
  Pow: broadcast(),
  Max: broadcast(),
  Min: broadcast(),
  Equal: broadcast("bool"),
  Greater: broadcast("bool"),
  Less: broadcast("bool"),
  MatMul: matMul,
  FusedMatMul: matMul,
  Gemm: gemm,
  Conv: conv,
  ConvTranspose: convTranspose,
  DepthToSpace: depthToSpace,
  AveragePool: pool,
  MaxPool: pool,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: normalization,
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Split: split,
  Pad: pad,
  Expand: expand,
  Gather: gather,
  Where: where,
  Resize: resize,
  Cast: cast,
  ScatterND: scatterND,
  MultiHeadAttention: multiHeadAttention,
};

/** Operators that have a shape rule: all that a graph can use. */
export const operators: readonly string[] = Object.keys(rules);

/**
 * Shapes and dtypes of a node's outputs.
 *
 * @throws {RangeError} If shapes disagree or the operator is unknown; the message names the node.
 */
export function inferShapes(call: ShapeCall): readonly Inferred[] {
  const rule = rules[call.node.op];
  if (!rule) fail(call, `no shape rule for operator ${call.node.op}`);
  return rule(call);
}
