/** Gelu, y = xΦ(x), and its approximations. */
import type { Value } from "../../graph.ts";
import { none, type VjpCall } from "../operator.ts";
import { times, unary } from "./elementwise.ts";

export const gelus = {
  /** ONNX Runtime's operator for the tanh form; only files for older opsets have it. */
  FastGelu: unary(none, { domain: "com.microsoft" }),
  /** Exact, or with attribute `approximate` "tanh": y = x/2 (1 + tanh u), u = √(2/π)(x + 0.044715x³). */
  Gelu: unary(
    times((call) =>
      (call.node.attributes.approximate ?? "none") === "tanh"
        ? tanhSlope(call)
        : exactSlope(call)
    ),
    { opset: 20 },
  ),
  /** ONNX Runtime's y = x s with s = σ(αx): y' = s + α y (1 − s). */
  QuickGelu: unary(
    times(({ g, node, x, y }) => {
      const alpha = node.attributes.alpha ?? 1.702;
      const scaled = (v: Value) => alpha === 1 ? v : g.mul(v, g.scalar(alpha));
      const s = g.sigmoid(scaled(x));
      return g.add(s, g.mul(scaled(y), g.sub(g.scalar(1), s)));
    }),
    { domain: "com.microsoft" },
  ),
};

/** y' = Φ(x) + xφ(x). */
function exactSlope({ g, x, y }: VjpCall): Value {
  const density = g.mul(
    g.exp(g.mul(g.mul(x, x), g.scalar(-0.5))),
    g.scalar(1 / Math.sqrt(2 * Math.PI)),
  );
  const half = g.scalar(0.5);
  const cumulative = g.add(
    g.mul(g.erf(g.mul(x, g.scalar(Math.SQRT1_2))), half),
    half,
  );
  g.substitute(y, g.mul(x, cumulative)); // cheaper than a second Gelu
  return g.add(cumulative, g.mul(x, density));
}

/** y = xs with s = σ(2u), so y' = s + 2xs(1 − s)u', u' = √(2/π)(1 + 0.134145x²). */
function tanhSlope({ g, x }: VjpCall): Value {
  const c = 2 * Math.sqrt(2 / Math.PI);
  const square = g.mul(x, x);
  const one = g.scalar(1);
  const s = g.sigmoid(
    g.mul(x, g.add(g.mul(square, g.scalar(0.044715 * c)), g.scalar(c))),
  );
  const slope2u = g.add(g.mul(square, g.scalar(3 * 0.044715 * c)), g.scalar(c));
  return g.mul(s, g.add(one, g.mul(g.mul(x, g.sub(one, s)), slope2u)));
}
