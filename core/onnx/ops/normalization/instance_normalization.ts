/** VJP rule of InstanceNormalization, and through it of group normalisation. */
import { floatAttribute } from "../../attributes.ts";
import { isFilled } from "./layer_normalization.ts";
import type { Value } from "../../graph.ts";
import type { VjpRule } from "../operator.ts";

/**
 * InstanceNormalization, y = x̂ ⊙ scale + bias with x̂ = (x − μ) r,
 * r = 1/√(σ² + ε), each channel of each sample over its spatial axes. With
 * ĝ = dy ⊙ scale and means over those axes:
 *
 *   dx = r (ĝ − mean(ĝ) − x̂ mean(ĝ ⊙ x̂))    dscale = Σ dy ⊙ x̂    dbias = Σ dy
 *
 * x̂ is also the output where scale is 1 and bias 0, and stands in for it.
 *
 * Shapes: x, y `[B, C, ...]`; scale, bias `[C]`.
 */
export const instanceNormalizationVjp: VjpRule = (
  { g, node, x, inputs, y, dy, wants },
) => {
  const [, scale, bias] = inputs as Value[];
  const isAll = ({ name }: Value, value: number) =>
    isFilled(g.initializer(name)?.data?.data, value);
  const plain = isAll(scale, 1);
  const axes = x.shape.map((_, i) => i).slice(2);
  const epsilon = g.scalar(floatAttribute(node, "epsilon", 1e-5));
  const centred = g.sub(x, g.reduceMean(x, { axes }));
  const variance = g.reduceMean(g.mul(centred, centred), { axes });
  const inverseDeviation = g.reciprocal(g.sqrt(g.add(variance, epsilon)));
  const normalized = g.mul(centred, inverseDeviation);
  if (plain && isAll(bias, 0)) g.substitute(y, normalized);
  const dx = () => {
    const slope = plain
      ? dy
      : g.mul(dy, g.reshape(scale, [-1, ...axes.map(() => 1)]));
    const projected = g.mul(
      normalized,
      g.reduceMean(g.mul(slope, normalized), { axes }),
    );
    const rest = g.sub(slope, g.reduceMean(slope, { axes }));
    return g.mul(g.sub(rest, projected), inverseDeviation);
  };
  const others = { axes: [0, ...axes], keepDims: false };
  return [
    wants(0) ? dx() : null,
    wants(1) ? g.reduceSum(g.mul(dy, normalized), others) : null,
    wants(2) ? g.reduceSum(dy, others) : null,
  ];
};
