/** InstanceNormalization of each channel over its spatial axes; group normalisation is a reshaped form of it. */
import { sameShape } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import { axesOf } from "../axes.ts";
import type { Operator } from "../operator.ts";
import { isFilled, normalizedCotangent, normMacs } from "./normalized.ts";

/** Shapes: x, y `[B, C, ...]`; scale, bias `[C]`. */
export const instanceNormalization: Operator = {
  shape({ x: { dtype, shape }, input, fail }) {
    for (const i of [1, 2]) {
      const p = input(i);
      if (!sameShape(p.shape, [shape[1]])) {
        fail(`input ${i} is [${p.shape}], expected [${shape[1]}]`);
      }
    }
    return [{ dtype, shape }];
  },
  macs: normMacs,
  /**
   * dscale = Σ dy ⊙ x̂, dbias = Σ dy; dx as in {@linkcode normalizedCotangent}.
   * If scale is 1 and bias 0, the output is x̂, which is substituted for it.
   */
  vjp({ g, node, x, inputs, y, dy, wants }) {
    const [, scale, bias] = inputs as Value[];
    const plain = isFilled(g, scale, 1);
    const axes = axesOf(x).slice(2);
    const epsilon = g.scalar(node.attributes.epsilon ?? 1e-5);
    const centred = g.sub(x, g.reduceMean(x, { axes }));
    const variance = g.reduceMean(g.mul(centred, centred), { axes });
    const inverseDeviation = g.reciprocal(g.sqrt(g.add(variance, epsilon)));
    const normalized = g.mul(centred, inverseDeviation);
    if (plain && isFilled(g, bias, 0)) g.substitute(y, normalized);
    const dx = () => {
      const slope = plain
        ? dy
        : g.mul(dy, g.reshape(scale, [-1, ...axes.map(() => 1)]));
      const statistics = { normalized, inverseDeviation, axes };
      return normalizedCotangent(g, { slope, ...statistics });
    };
    const others = { axes: [0, ...axes], keepDims: false };
    return [
      wants(0) ? dx() : null,
      wants(1) ? g.reduceSum(g.mul(dy, normalized), others) : null,
      wants(2) ? g.reduceSum(dy, others) : null,
    ];
  },
  float32: "alone",
};
