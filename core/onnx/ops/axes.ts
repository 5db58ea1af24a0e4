/** Arithmetic of shapes and axes. */
import type { Node } from "../graph.ts";

export type Shape = readonly number[];

/** The shape that two shapes broadcast to as in NumPy, or null if they disagree. */
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

/** A node's attribute `axis`, or the operator's default, counted from the front. */
export const axisOf = (
  node: Node,
  { shape }: { readonly shape: Shape },
  otherwise: number,
): number => normalizeAxis(node.attributes.axis ?? otherwise, shape.length);

/** Every axis of a value. */
export const axesOf = ({ shape }: { readonly shape: Shape }): number[] =>
  shape.map((_, i) => i);
