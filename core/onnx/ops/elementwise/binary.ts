/** Binary operators. */
import { sizeOf } from "../../../tensor/tensor.ts";
import { type Cost, type MacsCall, none, type VjpRule } from "../operator.ts";
import { binary } from "./elementwise.ts";

/** Max (half = ½) or Min (−½): da = dy (½ + half · sign(a − b)), db is the rest. Equal values share dy. */
const choose = (half: number): VjpRule => ({ g, x: a, inputs: [, b], dy }) => {
  const order = g.mul(g.sign(g.sub(a, b!)), g.scalar(half));
  const da = g.mul(dy, g.add(order, g.scalar(0.5)));
  return [da, g.sub(dy, da)];
};

/** The cost of a bias: a one-dimensional parameter that is added to a product with a weight. */
function bias({ inputs, isWeight, costOf }: MacsCall): Cost {
  const i = [0, 1].find((i) =>
    inputs[i]!.shape.length === 1 && isWeight(i) &&
    costOf(1 - i).linear !== undefined
  );
  return i === undefined ? {} : { affine: sizeOf(inputs[i]!.shape) };
}

/**
 * The cost of GroupNorm's scale. GroupNorm is InstanceNormalization over
 * `[B, G, ...]` with constant scale, reshaped to `[B, C, H, W]`, then Mul by a
 * parameter. The norm counts 1 an element, this Mul another 1.
 */
function affine({ y, isWeight, sourceCostOf }: MacsCall): Cost {
  const isAffine = [0, 1].some(isWeight) &&
    [0, 1].some((i) => sourceCostOf(i).norm !== undefined);
  return isAffine ? { affine: sizeOf(y.shape) } : {};
}

export const binaryOperators = {
  /** (a + b)' = a' + b'. */
  Add: binary(({ dy }) => [dy, dy], { macs: bias }),
  /** (a/b)' = a'/b − (a/b) b'/b. */
  Div: binary(({ g, inputs: [, b], y, dy, wants }) => {
    const scaled = g.div(dy, b!);
    return [scaled, wants(1) ? g.neg(g.mul(scaled, y)) : null];
  }),
  Equal: binary(none, { dtype: "bool" }),
  Greater: binary(none, { dtype: "bool" }),
  Less: binary(none, { dtype: "bool" }),
  Max: binary(choose(0.5)),
  Min: binary(choose(-0.5)),
  /** (ab)' = a'b + ab'. */
  Mul: binary(({ g, x: a, inputs: [, b], dy, wants }) => [
    wants(0) ? g.mul(dy, b!) : null,
    wants(1) ? g.mul(dy, a) : null,
  ], { macs: affine }),
  /** (x^p)' = p x^(p−1) x' + x^p ln(x) p'. */
  Pow: binary(({ g, x, inputs: [, p], y, dy, wants }) => [
    wants(0) ? g.mul(dy, g.mul(p!, g.pow(x, g.sub(p!, g.scalar(1))))) : null,
    wants(1) ? g.mul(dy, g.mul(y, g.log(x))) : null,
  ], { float32: "alone" }),
  /** (a − b)' = a' − b'. */
  Sub: binary(({ g, dy, wants }) => [dy, wants(1) ? g.neg(dy) : null]),
};
