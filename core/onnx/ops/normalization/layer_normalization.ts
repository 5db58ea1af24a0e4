/** LayerNormalization over the axes from `axis` on. */
import { float32, sameShape, sizeOf } from "../../../tensor/tensor.ts";
import { axesOf, axisOf } from "../axes.ts";
import type { Operator } from "../operator.ts";
import { isFilled, normalizedCotangent, normMacs } from "./normalized.ts";

/** Shapes: x, y `[..., D...]`; scale, bias `[D...]`, the axes from `axis` on; statistics `[..., 1...]`. */
export const layerNormalization: Operator = {
  shape({ node, x: { dtype, shape }, inputs, fail }) {
    const axis = axisOf(node, { shape }, -1);
    const expected = shape.slice(axis);
    for (const i of [1, 2]) {
      const p = inputs[i];
      if (p && !sameShape(p.shape, expected)) {
        fail(`input ${i} is [${p.shape}], expected [${expected}]`);
      }
    }
    const statistic = shape.map((dim, i) => i < axis ? dim : 1);
    return [shape, statistic, statistic]
      .slice(0, node.outputs.length).map((shape) => ({ dtype, shape }));
  },
  macs: normMacs,
  /**
   * dscale = Σ dy ⊙ x̂ and dbias = Σ dy, which the backward walk sums; dx as in
   * {@linkcode normalizedCotangent}. x̂ ⊙ scale + bias is substituted for the output,
   * which is cheaper than to compute the layer twice.
   */
  vjp({ g, node, x, inputs: [, scale, bias], y, dy, wants }) {
    const axis = axisOf(node, x, -1);
    const epsilon = node.attributes.epsilon ?? 1e-5;
    const plain = isFilled(g, scale!, 1);
    const ones = () => {
      const { shape } = scale!;
      return g.constant(float32(shape, Array(sizeOf(shape)).fill(1)));
    };
    const { normalized, inverseDeviation } = g.layerNormalizationStatistics(
      x,
      plain ? scale! : ones(),
      { axis, epsilon },
    );
    const scaled = plain ? normalized : g.mul(normalized, scale!);
    g.substitute(y, bias ? g.add(scaled, bias) : scaled);
    const slope = plain ? dy : g.mul(dy, scale!);
    const axes = axesOf(x).slice(axis);
    return [
      wants(0)
        ? normalizedCotangent(g, { slope, normalized, inverseDeviation, axes })
        : null,
      wants(1) ? g.mul(dy, normalized) : null,
      wants(2) ? dy : null,
    ];
  },
  float32: "alone",
};
