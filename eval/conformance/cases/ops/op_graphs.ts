/**
 * The operators of the `grads-ops` fixtures as our graphs write them: an entry
 * for each operator, named and parametrised as in `ops.json`, after PyTorch.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";

/** The attributes of one case; an operator reads the ones that it has. */
export interface OpAttributes {
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
  readonly pad_ltrb?: readonly number[];
  readonly dilation?: number;
  readonly groups?: number;
  readonly num_groups?: number;
  readonly normalized_shape?: readonly number[];
  readonly eps?: number;
  readonly axis?: number;
  readonly axes?: readonly number[];
  readonly keepdims?: boolean;
  readonly approximate?: "none" | "tanh";
  readonly mode?: "nearest" | "bilinear";
  readonly scale?: number;
  readonly size?: readonly number[];
  readonly align_corners?: boolean;
  readonly start?: number;
  readonly end?: number;
  readonly step?: number;
  readonly chunks?: number;
  readonly shape?: readonly number[];
  readonly perm?: readonly number[];
  readonly pads_lrtb?: readonly number[];
}

type Operands = Readonly<Record<string, Value>>;

/** Adds an operator's nodes for operands, named as in `ops.json`; returns the output. */
export type OpGraph = (
  g: GraphBuilder,
  operands: Operands,
  attributes: OpAttributes,
) => Value;

const both = (value: number | readonly number[] = 1): readonly number[] =>
  typeof value === "number" ? [value, value] : value;

const conv2d: OpGraph = (g, { x, w, b }, attributes) => {
  const [top, side] = both(attributes.padding ?? 0);
  const [left, above, right, below] = attributes.pad_ltrb ??
    [side, top, side, top];
  return g.conv(x, w, b, {
    group: attributes.groups,
    strides: both(attributes.stride),
    dilations: both(attributes.dilation),
    pads: [above, left, below, right],
  });
};

const constant = (g: GraphBuilder, size: number, value: number): Value =>
  g.constant(float32([size], new Float32Array(size).fill(value)));

/** Normalises each group as one channel of an InstanceNormalization: `[B, C, H, W]` → `[B, G, C/G H W]` and back. */
const groupNorm: OpGraph = (g, { x, w, b }, { num_groups, eps }) => {
  const groups = num_groups!;
  const grouped = g.reshape(x, [x.shape[0], groups, -1]);
  const normalized = g.instanceNormalization(
    grouped,
    constant(g, groups, 1),
    constant(g, groups, 0),
    { epsilon: eps },
  );
  const perChannel = (v: Value) => g.reshape(v, [-1, 1, 1]);
  const y = g.reshape(normalized, x.shape);
  return g.add(g.mul(y, perChannel(w)), perChannel(b));
};

const layerNorm: OpGraph = (g, { x, w, b }, { normalized_shape, eps }) =>
  g.layerNormalization(x, w ?? constant(g, normalized_shape![0], 1), b, {
    epsilon: eps,
  });

const interpolate: OpGraph = (
  g,
  { x },
  { mode, scale, size, align_corners },
) => {
  const [batch, channels, height, width] = x.shape;
  const space = size ?? [height * scale!, width * scale!];
  const linear = align_corners ? "align_corners" : "half_pixel";
  return g.resize(
    x,
    [batch, channels, ...space],
    mode === "nearest" ? {} : { mode: "linear", coordinates: linear },
  );
};

/** Packs heads `[B, h, L, d]` for the fused operator as `[B, L, h d]`, and unpacks its output. */
const attention: OpGraph = (g, { q, k, v }) => {
  const [batch, heads, length, d] = q.shape;
  const pack = (x: Value) =>
    g.reshape(g.transpose(x, [0, 2, 1, 3]), [batch, x.shape[2], heads * d]);
  const y = g.multiHeadAttention(pack(q), pack(k), pack(v), { heads });
  return g.transpose(g.reshape(y, [batch, length, heads, d]), [0, 2, 1, 3]);
};

const pad: OpGraph = (g, { x }, { pads_lrtb }) => {
  const [left, right, top, bottom] = pads_lrtb!;
  return g.pad(x, [0, 0, top, left, 0, 0, bottom, right]);
};

/** The operators of one operand without attributes, named as in our builder. */
const unary = [
  ...["silu", "sigmoid", "tanh", "exp", "sin", "cos", "relu"] as const,
  ...["erf", "neg", "sqrt", "log", "reciprocal"] as const,
].map((op): [string, OpGraph] => [op, (g, { x }) => g[op](x)]);

/** The graph of every operator of the fixtures. */
export const opGraphs: Readonly<Record<string, OpGraph>> = {
  ...Object.fromEntries(unary),
  conv2d,
  group_norm: groupNorm,
  layer_norm: layerNorm,
  interpolate,
  attention,
  pad,
  softmax: (g, { x }, { axis }) => g.softmax(x, { axis }),
  gelu: (g, { x }, { approximate }) => g.gelu(x, { approximate }),
  quick_gelu: (g, { x }) => g.quickGelu(x),
  geglu: (g, { x }) => {
    const [a, b] = g.chunk(x, 2, { axis: -1 });
    return g.mul(a, g.gelu(b));
  },
  rsqrt: (g, { x }) => g.reciprocal(g.sqrt(x)),
  matmul: (g, { a, b }) => g.matMul(a, b),
  linear: (g, { x, w, b }) => g.add(g.fusedMatMul(x, w, { transB: 1 }), b),
  add: (g, { a, b }) => g.add(a, b),
  mul: (g, { a, b }) => g.mul(a, b),
  sub: (g, { a, b }) => g.sub(a, b),
  "a/(abs(b)+0.5)": (g, { a, b }) => g.div(a, g.add(g.abs(b), g.scalar(0.5))),
  concat: (g, { a, b, c }, { axis }) => g.concat([a, b, c], { axis: axis! }),
  slice: (g, { x }, { axis, start, end, step }) =>
    g.slice(x, {
      axes: [axis!],
      starts: [start!],
      ends: [end!],
      steps: [step!],
    }),
  chunk: (g, { x }, { axis, chunks }) => {
    const [c0, c1, c2] = g.chunk(x, chunks!, { axis: axis! });
    return g.add(g.mul(c0, c1), c2);
  },
  transpose: (g, { x }, { perm }) => g.transpose(x, perm!),
  "reshape+transpose": (g, { x }, { shape, perm }) =>
    g.transpose(g.reshape(x, shape!), perm!),
  reduce_mean: (g, { x }, { axes, keepdims }) =>
    g.reduceMean(x, { axes, keepDims: keepdims }),
  reduce_sum: (g, { x }, { axes, keepdims }) =>
    g.reduceSum(x, { axes, keepDims: keepdims }),
  gather: (g, { w, idx }, { axis }) => g.gather(w, idx, { axis }),
  where: (g, { cond, a, b }) => g.where(g.cast(cond, "bool"), a, b),
  "mean((a-b)^2)": (g, { a, b }) => {
    const error = g.sub(a, b);
    return g.reshape(g.reduceMean(g.mul(error, error)), [1]);
  },
};
