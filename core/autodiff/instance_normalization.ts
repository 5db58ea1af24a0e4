/** VJP rule of InstanceNormalization, and through it of group normalisation. */
import { floatAttribute } from "../onnx/attributes.ts";
import { isOnes } from "./normalization.ts";
import type { VjpRule } from "./vjp_call.ts";

/**
 * InstanceNormalization, y = x̂ ⊙ scale + bias with x̂ = (x − μ) r,
 * r = 1/√(σ² + ε), each channel of each sample over its spatial axes. With
 * ĝ = dy ⊙ scale and means over those axes:
 *
 *   dx = r (ĝ − mean(ĝ) − x̂ mean(ĝ ⊙ x̂))    dscale = Σ dy ⊙ x̂    dbias = Σ dy
 *
 * Shapes: x, y `[B, C, ...]`; scale, bias `[C]`.
 */
export const instanceNormalizationVjp: VjpRule = (
  { g, node, x, inputs, dy, wants },
) => {
  const scale = inputs[1]!;
  const axes = x.shape.map((_, i) => i).slice(2);
  const epsilon = g.scalar(floatAttribute(node, "epsilon", 1e-5));
  const centred = g.sub(x, g.reduceMean(x, { axes }));
  const variance = g.reduceMean(g.mul(centred, centred), { axes });
  const inverseDeviation = g.reciprocal(g.sqrt(g.add(variance, epsilon)));
  const normalized = g.mul(centred, inverseDeviation);
  const dx = () => {
    const plain = isOnes(g.initializer(scale.name)?.data?.data);
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
