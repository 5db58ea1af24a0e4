/** Binary operators without more to say than a line or two. */
import { none, type VjpRule } from "../operator.ts";
import { binary } from "./elementwise.ts";

/** Max (half = ½) or Min (−½): da = dy (½ + half · sign(a − b)), db is the rest. Equal values share dy. */
const choose = (half: number): VjpRule => ({ g, x: a, inputs: [, b], dy }) => {
  const order = g.mul(g.sign(g.sub(a, b!)), g.scalar(half));
  const da = g.mul(dy, g.add(order, g.scalar(0.5)));
  return [da, g.sub(dy, da)];
};

export const binaryOperators = {
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
  /** (x^p)' = p x^(p−1) x' + x^p ln(x) p'. */
  Pow: binary(({ g, x, inputs: [, p], y, dy, wants }) => [
    wants(0) ? g.mul(dy, g.mul(p!, g.pow(x, g.sub(p!, g.scalar(1))))) : null,
    wants(1) ? g.mul(dy, g.mul(y, g.log(x))) : null,
  ], { float32: "alone" }),
  /** (a − b)' = a' − b'. */
  Sub: binary(({ g, dy, wants }) => [dy, wants(1) ? g.neg(dy) : null]),
};
