/** The gradient of attention, in slices that bound its memory. */
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { mergeHeads, type Range, ranges, sliced, splitHeads } from "./heads.ts";

/** The most elements of one slice's score matrix `[B, h, l, S]`: 32 MB. Four such matrices are alive at a time. */
const scoreLimit = 1 << 23;

/** Values q, y `[B, L, D]`, k, v `[B, S, D]`, bias `[B or 1, h or 1, L, S]`, and dy, the cotangent of y. */
interface Attention {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly bias: Value | null;
  readonly y: Value;
  readonly dy: Value;
}

/**
 * The cotangents of Q, K and V of O = P V with P = softmax(s Q Kᵀ + bias).
 * P is not stored but recomputed, a slice of heads and queries at a time, so that
 * memory stays bounded.
 *
 *   dV = Pᵀ dO    dP = dO Vᵀ    dS = P ⊙ (dP − Σ_S dP ⊙ P)    dQ = s dS K    dK = s dSᵀ Q
 *
 * If there is one slice, O = P V from the recomputed P is substituted for the
 * operator's output, so that the operator itself need not run.
 */
export function attentionCotangents(
  g: Operations,
  { q, k, v, bias, y, dy }: Attention,
  { heads, scale }: { heads: number; scale: number },
): Value[] {
  const [batch, length] = q.shape;
  const row = batch * k.shape[1];
  const group = within(heads, scoreLimit / (row * length));
  const rows = within(length, scoreLimit / row);
  const parts = ranges(heads, group).map((range) => {
    const [Q, K, V, dO] = [q, k, v, dy].map((x) =>
      splitHeads(g, x, { heads, ...range })
    );
    const own = bias && biasOf(g, bias, range);
    const whole = group === heads && rows === length;
    const part = { Q, K, V, dO, bias: own, scale };
    if (!whole) {
      return sumOfSlices(g, part, rows).map((x) => mergeHeads(g, x));
    }
    const { O, cotangents } = spelledOut(g, part, { withOutput: true });
    g.substitute(y, mergeHeads(g, O!));
    return cotangents.map((x) => mergeHeads(g, x));
  });
  return [0, 1, 2].map((i) => joined(g, parts.map((part) => part[i])));
}

/** `wanted` rounded down to a whole number, within 1 to `most`. */
const within = (most: number, wanted: number): number =>
  Math.min(most, Math.max(1, Math.floor(wanted)));

/** The parts joined along axis 2: the width of `[B, L, D]`, the tokens of `[B, h, L, d]`. */
const joined = (g: Operations, parts: readonly Value[]): Value =>
  parts.length === 1 ? parts[0] : g.concat(parts, { axis: 2 });

/** The bias of a range of heads; a bias that all heads share stays whole. */
const biasOf = (g: Operations, bias: Value, range: Range): Value =>
  bias.shape[1] === 1 ? bias : sliced(g, bias, { axis: 1, ...range });

/** The values of some heads: Q, dO `[B, h, L, d]`; K, V `[B, h, S, d]`; bias `[B or 1, h or 1, L, S]`. */
interface Heads {
  readonly Q: Value;
  readonly K: Value;
  readonly V: Value;
  readonly dO: Value;
  readonly bias: Value | null;
  readonly scale: number;
}

/** dQ, dK, dV of some heads, `rows` queries at a time: each slice has its own dQ; dK and dV are sums of slices. */
function sumOfSlices(
  g: Operations,
  { Q, K, V, dO, bias, scale }: Heads,
  rows: number,
): Value[] {
  const slices = ranges(Q.shape[2], rows).map((range) => {
    const of = (x: Value) => sliced(g, x, { axis: 2, ...range });
    const slice = { Q: of(Q), K, V, dO: of(dO), scale };
    const own = spelledOut(g, { ...slice, bias: bias && of(bias) }, {
      withOutput: false,
    });
    return together(g, own.cotangents);
  });
  const [dQ, dK, dV] = [0, 1, 2].map((i) => slices.map((slice) => slice[i]));
  const sum = (parts: readonly Value[]) => parts.reduce((a, b) => g.add(a, b));
  return slices.length === 1
    ? slices[0]
    : together(g, [joined(g, dQ), sum(dK), sum(dV)]);
}

/** dQ, dK, dV from whole score matrices and, if `withOutput`, the operator's output O. */
function spelledOut(
  g: Operations,
  { Q, K, V, dO, bias, scale: alpha }: Heads,
  { withOutput }: { withOutput: boolean },
): { O: Value | null; cotangents: Value[] } {
  const scores = g.fusedMatMul(Q, K, { alpha, transB: 1 });
  const P = g.softmax(bias ? g.add(scores, bias) : scores);
  const dV = sumOverQueries(g, P, dO, { alpha: 1 });
  const O = withOutput ? g.matMul(P, V) : null;
  const [, , keys, width] = V.shape;
  const dS = O && keys > 2 * width
    ? throughSoftmaxWith(g, { P, V, dO, O })
    : throughSoftmax(g, { P, V, dO });
  const dQ = g.fusedMatMul(dS, K, { alpha });
  const dK = sumOverQueries(g, dS, Q, { alpha });
  return { O, cotangents: [dQ, dK, dV] };
}

type Attended = Pick<Heads, "V" | "dO"> & { readonly P: Value };

/** dS = dP ⊙ P − P Σ dP ⊙ P with dP = dO Vᵀ. */
function throughSoftmax(g: Operations, { P, V, dO }: Attended): Value {
  const product = g.mul(P, g.fusedMatMul(dO, V, { transB: 1 }));
  const inner = g.reduceSum(product, { axes: [3] });
  return g.sub(product, g.mul(P, inner));
}

/**
 * dS of {@linkcode throughSoftmax} from a known O: Σ_S dP ⊙ P is Σ_d dO ⊙ O, a sum
 * of fewer terms, which one more column of the product subtracts:
 * dO Vᵀ − Σ = [dO, −Σ] [V, 1]ᵀ.
 */
function throughSoftmaxWith(
  g: Operations,
  { P, V, dO, O }: Attended & { readonly O: Value },
): Value {
  const inner = g.reduceSum(g.mul(dO, O), { axes: [3] });
  const ones = g.expand(g.scalar(1), V.shape.with(3, 1));
  const centred = g.fusedMatMul(
    g.concat([dO, g.neg(inner)], { axis: 3 }),
    g.concat([V, ones], { axis: 3 }),
    { transB: 1 },
  );
  return g.mul(P, centred);
}

/** For heads narrower than this, (Xᵀ S)ᵀ is faster than Sᵀ X. */
const narrow = 16;

/** α Sᵀ X of scores `[B, h, L, S]` and X `[B, h, L, d]`. */
function sumOverQueries(
  g: Operations,
  scores: Value,
  X: Value,
  { alpha }: { alpha: number },
): Value {
  if (X.shape[3] >= narrow) {
    return g.fusedMatMul(scores, X, { alpha, transA: 1 });
  }
  const columns = g.fusedMatMul(X, scores, { alpha, transA: 1 });
  return g.transpose(columns, [0, 1, 3, 2]);
}

/**
 * Makes each value depend on all of them. The runtime orders nodes depth first
 * from the graph's outputs: without this it would compute dQ of every slice, and
 * keep all score matrices for dK and dV.
 */
function together(g: Operations, values: readonly Value[]): Value[] {
  const sizes = values.map(({ shape }) => shape[2]);
  return g.split(g.concat(values, { axis: 2 }), sizes, { axis: 2 });
}
