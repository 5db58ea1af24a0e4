import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { readJson } from "@dip-go/core/files";
import { forecastGradient, forecastRow } from "./forecast.ts";
import {
  adamsBashforth,
  hermite,
  hold,
  newton,
  type PayloadMaker,
  taylor,
} from "./payload_makers.ts";
import { factorShape, payloadOf, type PayloadRow } from "./payloads.ts";

/** Series as forecast by diffusers' TaylorSeer and by Newton's interpolation; `plans` has the computed steps. */
interface ForecastSeries {
  readonly plans: Record<string, readonly number[]>;
  readonly series: Record<string, readonly (readonly number[])[]>;
  readonly results: readonly {
    readonly series: string;
    readonly plan: string;
    readonly order: number;
    readonly taylor: readonly (readonly number[])[];
    readonly newton: readonly (readonly number[])[];
  }[];
}

const file = new URL("./testdata/forecast_series.json", import.meta.url);
const recorded = await readJson(file.pathname) as ForecastSeries;

/** A series with skipped values filled in. */
function filled(
  series: readonly (readonly number[])[],
  keys: readonly number[],
  make: PayloadMaker,
): number[][] {
  const gates = series.map((_, t) => keys.includes(t) ? 1 : 0);
  const { coefficients } = payloadOf(gates, { held: "output", make });
  return series.map((own, t) => {
    if (gates[t] === 1) return [...own];
    const computed = keys.filter((key) => key < t).reverse();
    return own.map((_, i) =>
      (coefficients[t] as number[]).reduce(
        (sum, c, j) => sum + c * series[computed[j]][i],
        0,
      )
    );
  });
}

Deno.test("taylor() and newton() forecast as diffusers and Newton's interpolation do", () => {
  for (const { series, plan, order, ...expected } of recorded.results) {
    for (const [kind, make] of Object.entries({ taylor, newton })) {
      const own = recorded.series[series];
      const found = filled(own, recorded.plans[plan], make(order));
      const wanted = expected[kind as keyof typeof expected].flat();
      found.flat().forEach((value, i) =>
        assertAlmostEquals(
          value,
          wanted[i],
          2e-4 * Math.max(1, Math.abs(wanted[i])),
          `${kind} ${order} of ${series}, ${plan}, ${i}`,
        )
      );
    }
  }
});

Deno.test("a linear series is forecast exactly at order 1 and up, a quadratic by Newton's form alone", () => {
  const keys = recorded.plans.uneven;
  const worst = (make: PayloadMaker, degree: number) => {
    const series = Array.from({ length: 16 }, (_, t) => [3 - 2 * t ** degree]);
    return Math.max(
      ...filled(series, keys, make).map(([x], t) =>
        t < 3 ? 0 : Math.abs(x - series[t][0])
      ),
    );
  };
  for (const order of [1, 2, 3]) {
    assert(worst(taylor(order), 1) < 1e-9);
    assert(worst(newton(order), 1) < 1e-9);
  }
  assert(worst(newton(2), 2) < 1e-9);
  assert(worst(taylor(2), 2) > 0.1);
  assert(worst(hold, 1) > 0.1);
});

Deno.test("adamsBashforth() has the textbook's weights, hermite() HiCache's", () => {
  const close = (found: readonly number[], expected: readonly number[]) => {
    assertEquals(found.length, expected.length);
    found.forEach((c, j) => assertAlmostEquals(c, expected[j], 1e-12));
  };
  close(adamsBashforth(1)([0, 1]), [3 / 2, -1 / 2]);
  close(adamsBashforth(2)([0, 1, 2]), [23 / 12, -16 / 12, 5 / 12]);
  close(adamsBashforth(3)([0, 1, 2, 3]), [55, -59, 37, -9].map((c) => c / 24));
  close(adamsBashforth(3)([1]), [1]);
  // σ H_1(σ k) = 2 σ² k, σ² H_2(σ k) = σ² (4 σ² k² − 2): 1 and 1/2 at k = 2, σ = 1/2.
  close(hermite(1)([2, 4]), [1.5, -0.5]);
  close(hermite(2)([2, 3, 4]), [1 + 1 + 1 / 4, -1 - 1 / 2, 1 / 4]);
});

Deno.test("forecastRow() drops terms without history; forecastGradient() is its transpose", () => {
  assertEquals(forecastRow([0.1, 0.5, 0.25], 1), [1.1]);
  assertEquals(forecastRow([0.1, 0.5, 0.25], 2), [1.6, -0.5]);
  assertEquals(forecastRow([0.1, 0.5, 0.25], 4), [1.6, -0.25, -0.25]);
  const [d, move] = [[0.3, -2, 0.7], [0.5, 0.25, -1]];
  const at = (a: number, b: number, c: number) =>
    (forecastRow([a, b, c], 3) as number[]).reduce(
      (sum, each, j) => sum + d[j] * each,
      0,
    );
  const gradient = forecastGradient(d).reduce((s, g, k) => s + g * move[k], 0);
  const [a, b, c] = move;
  assertAlmostEquals(gradient, at(a, b, c) - at(0, 0, 0), 1e-12);
  assertEquals(forecastGradient([]), [0, 0, 0]);
});

Deno.test("payloadOf() reads at most five values; a coefficient a channel is on the channels' axis", () => {
  const rows: PayloadRow[] = [
    ...payloadOf([1, 1, 1, 1, 1, 1, 0], {
      held: "output",
      make: (distances) => distances,
    }).coefficients,
  ];
  assertEquals(rows, [[], [], [], [], [], [], [1, 2, 3, 4, 5]]);
  assertEquals(factorShape(2, [4, 3, 8, 8]), [1]);
  assertEquals(factorShape([1, 2, 3], [4, 3, 8, 8]), [3, 1, 1]);
  assertEquals(factorShape([1, 2], [4, 16, 2]), [2]);
});
