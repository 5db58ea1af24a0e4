/** Heads of attention: parts of the width, and ranges of them. */
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";

/** A part of an axis: index `from` to `to`, `to` not included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** `count` divided into parts of `size`; the last may be smaller. */
export function ranges(count: number, size: number): Range[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    from: i * size,
    to: Math.min((i + 1) * size, count),
  }));
}

/** `x` from `from` to `to` along an axis. */
export function sliced(
  g: Operations,
  x: Value,
  { axis, from, to }: Range & { axis: number },
): Value {
  if (from === 0 && to === x.shape[axis]) return x;
  return g.slice(x, { axes: [axis], starts: [from], ends: [to] });
}

/** Splits `[B, L, D]` into heads `[B, h, L, d]`: heads `from` to `to`, by default all. */
export function splitHeads(
  g: Operations,
  x: Value,
  { heads, from = 0, to = heads }: { heads: number } & Partial<Range>,
): Value {
  const [batch, length, width] = x.shape;
  const d = width / heads;
  const part = sliced(g, x, { axis: 2, from: from * d, to: to * d });
  const split = g.reshape(part, [batch, length, to - from, d]);
  return g.transpose(split, [0, 2, 1, 3]);
}

/** `[B, h, L, d]` → `[B, L, h d]`. */
export function mergeHeads(g: Operations, x: Value): Value {
  const [batch, heads, length, d] = x.shape;
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), [batch, length, heads * d]);
}
