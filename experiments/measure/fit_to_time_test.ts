import { assertAlmostEquals, assertEquals } from "@std/assert";
import { fitToTime } from "./fit_to_time.ts";

/** Fits whose plans are numbers of calls; the forecast of a call is 10 ms. */
const calls = {
  range: [10, 199] as const,
  fit: (asked: readonly number[]) =>
    Promise.resolve(asked.map((ms) => Math.floor(ms / 10 + 1e-9))),
  foretold: (plan: number) => 10 * plan,
};

Deno.test("fitToTime() corrects the forecast by plans' times, and keeps the slowest plan that meets its budget", async () => {
  const asked: number[][] = [];
  const fit = (budgets: readonly number[]) => {
    asked.push([...budgets]);
    return calls.fit(budgets);
  };
  const budgets = [100, 62, 30, 11];
  const plans = await fitToTime<number>(budgets, await fit(budgets), {
    ...calls,
    fit,
    measure: (plans) => Promise.resolve(plans.map((plan) => 12 * plan)),
  });
  assertEquals(plans, [8, 5, 2, 1]);
  assertEquals(asked[0], [100, 62, 30, 11]);
  assertAlmostEquals(asked[1][0], 100 / 1.2, 1e-9);
  assertEquals(asked[1][3], 10); // no less than one call
  assertEquals(asked.length, 2); // a call more would take too long
});

Deno.test("fitToTime() measures once if plans meet their budgets, and gives none if none fits", async () => {
  let measured = 0;
  const plans = await fitToTime<number>([100, 50], [10, undefined], {
    ...calls,
    measure(plans) {
      measured++;
      return Promise.resolve(plans.map((plan) => 10 * plan));
    },
  });
  assertEquals([plans, measured], [[10, undefined], 1]);
});

Deno.test("fitToTime() fits once for budgets that are corrected to one", async () => {
  const asked: number[][] = [];
  const plans = await fitToTime<number>([22, 20], [2, 2], {
    ...calls,
    fit(budgets) {
      asked.push([...budgets]);
      return calls.fit(budgets);
    },
    measure: (plans) => Promise.resolve(plans.map((plan) => 25 * plan)),
  });
  assertEquals([plans, asked], [[1, 1], [[10]]]);
});
