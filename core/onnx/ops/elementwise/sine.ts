/** Sine and cosine: a timestep's angles reach 999, with more digits than float16 has. */
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { times, unary } from "./elementwise.ts";

export const sines = {
  Cos: unary(times(({ g, x }) => g.neg(g.sin(x))), {
    float32: "upstream",
    gpu: ({ g, inputs: [x] }) => [cosine(g, turned(g, x!))],
  }),
  Sin: unary(times(({ g, x }) => g.cos(x)), {
    float32: "upstream",
    gpu: ({ g, inputs: [x] }) => [
      cosine(g, g.sub(turned(g, x!), g.scalar(Math.PI / 2))),
    ],
  }),
};

/** 2π in two parts (Cody and Waite, 1980): `high` has eight bits, so that its product with whole turns is exact. */
const turn = { high: 6.28125, low: 2 * Math.PI - 6.28125 };

/** x without its whole turns, within [−π, π]. */
function turned(g: Operations, x: Value): Value {
  const turns = g.floor(
    g.add(g.mul(x, g.scalar(1 / (2 * Math.PI))), g.scalar(0.5)),
  );
  const rest = g.sub(x, g.mul(turns, g.scalar(turn.high)));
  return g.sub(rest, g.mul(turns, g.scalar(turn.low)));
}

/** Taylor coefficients of cos √v: (−1)^n / (2n)!, from the highest; the next term is below 2e-8 at √v = 3π/8. */
const coefficients = [-1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2, 1];

/**
 * cos x for |x| ≤ 3π/2 to float32 rounding: the series at x/4, then cos 2u =
 * 2 cos² u − 1 twice. WGSL promises its own cosine only to 2⁻¹¹, and nothing
 * past π; a timestep's angles reach 999.
 */
function cosine(g: Operations, x: Value): Value {
  const quarter = g.mul(x, g.scalar(1 / 4));
  const v = g.mul(quarter, quarter);
  const [highest, ...others] = coefficients;
  const series = others.reduce<Value>(
    (sum, c) => g.add(g.mul(sum, v), g.scalar(c)),
    g.scalar(highest),
  );
  const doubled = (c: Value) =>
    g.sub(g.mul(g.mul(c, c), g.scalar(2)), g.scalar(1));
  return doubled(doubled(series));
}
