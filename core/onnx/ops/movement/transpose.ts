/** Transpose: axis i of the output is axis `perm[i]` of the input. */
import type { Node, Value } from "../../graph.ts";
import { axesOf } from "../axes.ts";
import { none, type Operator } from "../operator.ts";

const permOf = (
  node: Node,
  x: Value,
): readonly number[] => node.attributes.perm ?? axesOf(x).reverse();

export const transpose: Operator = {
  shape({ node, x, fail }) {
    const perm = permOf(node, x);
    const sorted = perm.toSorted((a, b) => a - b);
    if (perm.length !== x.shape.length || sorted.some((p, i) => p !== i)) {
      fail(`perm [${perm}] is no permutation of its axes`);
    }
    return [{ dtype: x.dtype, shape: perm.map((p) => x.shape[p]) }];
  },
  macs: none,
  /** dy transposed by the inverse permutation. */
  vjp({ g, node, x, dy }) {
    const perm = permOf(node, x);
    return [g.transpose(dy, perm.map((_, i) => perm.indexOf(i)))];
  },
  rearranges: true,
};
