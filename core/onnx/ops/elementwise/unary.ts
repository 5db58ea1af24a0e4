/** VJP rules of elementwise operators. Written in the output y where that saves recomputing it. */
import { floatAttribute, stringAttribute } from "../../attributes.ts";
import type { Value } from "../../graph.ts";
import type { VjpCall, VjpRule } from "../operator.ts";

/** A rule dx = dy · slope for a unary operator, given its slope. */
const unary = (slope: (call: VjpCall) => Value): VjpRule => (call) => [
  call.g.mul(call.dy, slope(call)),
];

const second = ({ inputs }: VjpCall): Value => inputs[1]!;

/** (a + b)' = a' + b'. */
export const addVjp: VjpRule = ({ dy }) => [dy, dy];

/** (a − b)' = a' − b'. */
export const subVjp: VjpRule = (
  { g, dy, wants },
) => [dy, wants(1) ? g.neg(dy) : null];

/** (ab)' = a'b + ab'. */
export const mulVjp: VjpRule = (call) => {
  const { g, x, dy, wants } = call;
  return [
    wants(0) ? g.mul(dy, second(call)) : null,
    wants(1) ? g.mul(dy, x) : null,
  ];
};

/** (a/b)' = a'/b − (a/b) b'/b. */
export const divVjp: VjpRule = (call) => {
  const { g, y, dy, wants } = call;
  const scaled = g.div(dy, second(call));
  return [scaled, wants(1) ? g.neg(g.mul(scaled, y)) : null];
};

/** (x^p)' = p x^(p−1) x' + x^p ln(x) p'. */
export const powVjp: VjpRule = (call) => {
  const { g, x, y, dy, wants } = call;
  const p = second(call);
  return [
    wants(0) ? g.mul(dy, g.mul(p, g.pow(x, g.sub(p, g.scalar(1))))) : null,
    wants(1) ? g.mul(dy, g.mul(y, g.log(x))) : null,
  ];
};

export const negVjp: VjpRule = ({ g, dy }) => [g.neg(dy)];
export const absVjp = unary(({ g, x }) => g.sign(x));
export const expVjp = unary(({ y }) => y);
export const logVjp: VjpRule = ({ g, x, dy }) => [g.div(dy, x)];
export const sinVjp = unary(({ g, x }) => g.cos(x));
export const cosVjp = unary(({ g, x }) => g.neg(g.sin(x)));

/** √x' = 1 / 2y. */
export const sqrtVjp: VjpRule = (
  { g, y, dy },
) => [g.div(g.mul(dy, g.scalar(0.5)), y)];

/** (1/x)' = −y². */
export const reciprocalVjp = unary(({ g, y }) => g.neg(g.mul(y, y)));

/** σ' = y (1 − y). */
export const sigmoidVjp = unary(({ g, y }) => g.mul(y, g.sub(g.scalar(1), y)));

/** tanh' = 1 − y². */
export const tanhVjp = unary(({ g, y }) => g.sub(g.scalar(1), g.mul(y, y)));

/** erf' = 2/√π e^(−x²). */
export const erfVjp = unary(({ g, x }) =>
  g.mul(g.scalar(2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.mul(x, x))))
);

/** Passes where x > 0; the slope at 0 is 0, as in PyTorch. */
export const reluVjp: VjpRule = ({ g, x, dy }) => {
  const zero = g.scalar(0);
  return [g.where(g.greater(x, zero), dy, zero)];
};

/** ONNX Runtime's QuickGelu, y = x s with s = σ(αx): y' = s + α y (1 − s). */
export const quickGeluVjp = unary(({ g, node, x, y }) => {
  const alpha = floatAttribute(node, "alpha", 1.702);
  const s = g.sigmoid(alpha === 1 ? x : g.mul(x, g.scalar(alpha)));
  const rest = g.mul(
    alpha === 1 ? y : g.mul(y, g.scalar(alpha)),
    g.sub(g.scalar(1), s),
  );
  return g.add(s, rest);
});

/**
 * Gelu y = xΦ(x). Exact: Φ(x) + xφ(x). The tanh form, y = x/2 (1 + tanh u)
 * with u = √(2/π)(x + 0.044715x³), is y = xσ(2u), so with s = σ(2u):
 * y' = s + 2xs(1 − s)u', u' = √(2/π)(1 + 0.134145x²).
 */
export const geluVjp = unary((call) =>
  stringAttribute(call.node, "approximate", "none") === "tanh"
    ? tanhGeluSlope(call)
    : geluSlope(call)
);

function geluSlope({ g, x, y }: VjpCall): Value {
  const density = g.mul(
    g.exp(g.mul(g.mul(x, x), g.scalar(-0.5))),
    g.scalar(1 / Math.sqrt(2 * Math.PI)),
  );
  const half = g.scalar(0.5);
  const cumulative = g.add(
    g.mul(g.erf(g.mul(x, g.scalar(Math.SQRT1_2))), half),
    half,
  );
  g.substitute(y, g.mul(x, cumulative)); // cheaper than Gelu again
  return g.add(cumulative, g.mul(x, density));
}

function tanhGeluSlope({ g, x }: VjpCall): Value {
  const c = 2 * Math.sqrt(2 / Math.PI);
  const square = g.mul(x, x);
  const one = g.scalar(1);
  const s = g.sigmoid(
    g.mul(x, g.add(g.mul(square, g.scalar(0.044715 * c)), g.scalar(c))),
  );
  const slope2u = g.add(g.mul(square, g.scalar(3 * 0.044715 * c)), g.scalar(c));
  return g.mul(s, g.add(one, g.mul(g.mul(x, g.sub(one, s)), slope2u)));
}
