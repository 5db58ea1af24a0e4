/** Fewer steps by other solvers, against hand-made trajectories, exhaustive search and published tables. */
import {
  alignedSteps,
  parseSchedulerConfig,
  trainedNoise,
} from "@dip-go/core/samplers";
import { TorchGenerator } from "@dip-go/core/random";
import { denseCost } from "@dip-go/supernet/gates";
import { withTinySampler } from "@dip-go/testing/runs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import { fitTarget } from "../../method.ts";
import { methodOf } from "../../method_settings.ts";
import { range } from "../../numbers.ts";
import { SamplerSearch } from "../../sampler_search.ts";
import { classSearch } from "../../search_settings.ts";
import { cheapestPath } from "../../search/forecast_path.ts";
import { alignedTimesteps } from "./aligned_timesteps.ts";
import { deviationCosts } from "./deviation_costs.ts";

const vector = (...values: number[]) => Float64Array.from(values);

Deno.test("deviationCosts() are 0 along a straight trajectory, and the distance that a jump adds on a bent one", () => {
  const sigmas = [3, 2, 1, 0];
  const straight = {
    points: sigmas.map((sigma) => vector(1 + sigma, 2 * sigma)),
    slopes: [0, 1, 2].map(() => vector(1, 2)),
  };
  for (const cost of deviationCosts(straight, sigmas).flat()) {
    assertAlmostEquals(cost, 0, 1e-12);
  }
  // The chord is the first axis; the second value is the distance from it.
  const bent = {
    points: [vector(3, 0), vector(2, 0.5), vector(1, 0.25), vector(0, 0)],
    slopes: [vector(1, -0.25), vector(1, 0.25), vector(1, 0.25)],
  };
  const costs = deviationCosts(bent, sigmas);
  const expected = [
    [0, 0.25 - 0.5, 0.5 - 0.25, 0.75],
    [0, 0, 0, 0], // from 0.5 down by 0.25 a step, and by 0.5 to the end
    [0, 0, 0, 0],
  ];
  costs.forEach((row, i) =>
    row.forEach((cost, j) => assertAlmostEquals(cost, expected[i][j], 1e-12))
  );
});

Deno.test("cheapestPath() counts each jump more than the one before, and finds the best of all paths", () => {
  const random = new TorchGenerator(2);
  const steps = 7;
  const costs = range(steps).map(() =>
    range(steps + 1).map(() => random.uniform() - 0.2)
  );
  const growth = 1.5;
  const costOf = (keys: readonly number[]) =>
    keys.reduce(
      (sum, key, n) => sum + growth ** n * costs[key][keys[n + 1] ?? steps],
      0,
    );
  const paths = range(2 ** (steps - 1)).map((bits) => [
    0,
    ...range(steps - 1).filter((i) => bits >> i & 1).map((i) => i + 1),
  ]);
  for (const k of [1, 3, 5]) {
    const all = paths.filter(({ length }) => length === k);
    const best = all.reduce((a, b) => costOf(b) < costOf(a) ? b : a);
    assertEquals(cheapestPath(costs, k, growth), best);
  }
});

const scheduler = (betaEnd: number) =>
  parseSchedulerConfig({
    _class_name: "PNDMScheduler",
    beta_start: 0.00085,
    beta_end: betaEnd,
    beta_schedule: "scaled_linear",
    num_train_timesteps: 1000,
  }, "test");

Deno.test("alignedTimesteps() have the table at ten steps, halve it at twenty, and refuse other noise", () => {
  const noise = trainedNoise(scheduler(0.012));
  const table = "ays-sd15";
  const { timesteps } = alignedSteps[table];
  assertEquals(alignedTimesteps(noise, { table, steps: 10 }), timesteps);
  const twenty = alignedTimesteps(noise, { table, steps: 20 });
  if (typeof twenty === "string") throw new Error(twenty);
  assertEquals(twenty.filter((_, i) => i % 2 === 0), [...timesteps]);
  assertEquals(twenty, twenty.toSorted((a, b) => b - a));
  const other = alignedTimesteps(trainedNoise(scheduler(0.03)), {
    table,
    steps: 10,
  });
  assertStringIncludes(String(other), "whose largest sigma is 14.615");
});

Deno.test("fewer steps by another solver and at GITS' timesteps keep to the budget", () =>
  withTinySampler({ steps: 6, kind: "pndm" }, async (sampler) => {
    const search = { ...classSearch, calibration: 1, batch: 2 };
    await using searches = new SamplerSearch(sampler, { search, seed: 0 });
    const context = searches.context([0.5]);
    const fit = (chosen: Parameters<typeof methodOf>[0]) =>
      fitTarget(methodOf(chosen), context);
    assertEquals(sampler.calls, 7); // of which half are 3 calls, 2 steps of PNDM
    assertEquals(await fit("fewer-steps"), { kind: "steps", steps: 2 });
    const unipc = { kind: "unipc", order: 3 } as const;
    assertEquals(
      await fit({ kind: "fewer-steps", solver: unipc }),
      { kind: "steps", steps: 3, solver: unipc },
    );
    const none = await fit({
      kind: "fewer-steps",
      solver: { kind: "dpm-solver++", times: "ays-sdxl" },
    });
    assertEquals(none.kind, "none");
    const found = await fit({ kind: "gits", steps: 12 });
    if (found.kind !== "steps") throw new Error(found.kind);
    const { kind, timesteps } = found.solver!;
    assertEquals([kind, timesteps!.length], ["dpm-solver++", 3]);
    const fine = sampler.withSteps(12, { kind: "dpm-solver++" }).sampler.steps
      .map(({ timestep }) => timestep);
    assertEquals(timesteps![0], fine[0]);
    assert(timesteps!.every((timestep) => fine.includes(timestep)));
    const few = sampler.withSteps(found.steps, found.solver).sampler.steps;
    assertEquals(few.map(({ timestep }) => timestep), [...timesteps!]);
    const { net } = context;
    const gits = methodOf({ kind: "gits", steps: 12 });
    const cost = gits.searchCost!({ net, search, budgets: [] });
    assertAlmostEquals(cost / denseCost(net), 12 / 7, 1e-12);
  }));
