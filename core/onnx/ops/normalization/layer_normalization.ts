/** VJP rules of softmax, layer normalisation, mean and sum. */
import { floatAttribute, intAttribute } from "../../attributes.ts";
import { normalizeAxis } from "../shape_call.ts";
import { float32, sizeOf } from "../../../tensor/tensor.ts";
import type { VjpCall, VjpRule } from "../operator.ts";
import type { Value } from "../../graph.ts";

/**
 * Softmax, y = softmax(x) along `axis`:
 *
 *   dx = y ⊙ (dy − Σ_axis y ⊙ dy)
 */
export const softmaxVjp: VjpRule = ({ g, node, y, dy }) => {
  const axis = normalizeAxis(intAttribute(node, "axis", -1), y.shape.length);
  const inner = g.reduceSum(g.mul(y, dy), { axes: [axis] });
  return [g.mul(y, g.sub(dy, inner))];
};

/**
 * LayerNormalization, y = x̂ ⊙ scale + bias with x̂ = (x − μ) r, r = 1/√(σ² + ε)
 * over the axes from `axis` on. With ĝ = dy ⊙ scale and means over those axes:
 *
 *   dx = r (ĝ − mean(ĝ) − x̂ mean(ĝ ⊙ x̂))    dscale = Σ dy ⊙ x̂    dbias = Σ dy
 *
 * x̂ ⊙ scale + bias stands in for the output: cheaper than the layer again.
 */
export const layerNormalizationVjp: VjpRule = (
  { g, node, x, inputs, y, dy, wants },
) => {
  const axis = normalizeAxis(intAttribute(node, "axis", -1), x.shape.length);
  const axes = x.shape.map((_, i) => i).slice(axis);
  const epsilon = floatAttribute(node, "epsilon", 1e-5);
  const scale = inputs[1]!;
  const plain = isFilled(g.initializer(scale.name)?.data?.data, 1);
  const ones = plain
    ? scale
    : g.constant(float32(scale.shape, Array(sizeOf(scale.shape)).fill(1)));
  const { normalized, inverseDeviation } = g.layerNormalizationStatistics(
    x,
    ones,
    { axis, epsilon },
  );
  const scaled = plain ? normalized : g.mul(normalized, scale);
  g.substitute(y, inputs[2] ? g.add(scaled, inputs[2]) : scaled);
  const slope = plain ? dy : g.mul(dy, scale);
  const dx = () => {
    const projected = g.mul(
      normalized,
      g.reduceMean(g.mul(slope, normalized), { axes }),
    );
    const centred = g.sub(slope, g.reduceMean(slope, { axes }));
    return g.mul(g.sub(centred, projected), inverseDeviation);
  };
  return [
    wants(0) ? dx() : null,
    wants(1) ? g.mul(dy, normalized) : null,
    wants(2) ? dy : null,
  ];
};

/** Whether a constant is there and every element of it is `value`. */
export function isFilled(
  data: ArrayLike<number | bigint> | undefined,
  value: number,
): boolean {
  return data !== undefined &&
    Array.prototype.every.call(data, (v) => v === value);
}

/** A reduction's cotangent spread over the axes it summed. */
function spread({ g, node, x, y, dy, constant }: VjpCall): Value {
  if (intAttribute(node, "keepdims", 1)) return g.expand(dy, x.shape);
  const all = x.shape.map((_, i) => i);
  const axes = node.inputs.length > 1
    ? constant(1).map((a) => normalizeAxis(a, x.shape.length))
    : all;
  const kept = x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
  return g.expand(
    sizeOf(y.shape) === 1 && kept.length === 0 ? dy : g.reshape(dy, kept),
    x.shape,
  );
}

/** ReduceSum: every summed element gets the sum's cotangent. */
export const reduceSumVjp: VjpRule = (call) => [spread(call)];

/** ReduceMean: as ReduceSum, divided by the number of elements averaged. */
export const reduceMeanVjp: VjpRule = (call) => {
  const count = sizeOf(call.x.shape) / sizeOf(call.y.shape);
  return [call.g.mul(spread(call), call.g.scalar(1 / count))];
};
