import { assertAlmostEquals } from "@std/assert";
import { exponentialIntegral, integral, lagrangeBasis } from "./lagrange.ts";

const nodes = [0.3, -0.5, 1.7];
const quadratic = (u: number) => 2 - 3 * u + 0.5 * u ** 2;

/** Σ of the basis polynomials' integrals, weighed by the function at the nodes. */
const interpolated = (rule: typeof integral) =>
  lagrangeBasis(nodes).reduce(
    (sum, p, k) => sum + quadratic(nodes[k]) * rule(p, 0.3, 2),
    0,
  );

Deno.test("integral() of an interpolated quadratic is the quadratic's integral", () => {
  const at = (u: number) => 2 * u - 1.5 * u ** 2 + u ** 3 / 6;
  assertAlmostEquals(interpolated(integral), at(2) - at(0.3), 1e-12);
});

Deno.test("exponentialIntegral() weighs by the exponential", () => {
  // By parts: (q − q' + q'') eᵘ.
  const at = (u: number) => (quadratic(u) + 3 - u + 1) * Math.exp(u);
  assertAlmostEquals(
    interpolated(exponentialIntegral),
    at(2) - at(0.3),
    1e-12,
  );
});
