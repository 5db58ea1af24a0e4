/** Published schedules and payloads of whole steps, against exhaustive search, PyTorch's training and each other. */
import { TorchGenerator } from "@dip-go/core/random";
import { nextState, startState } from "@dip-go/core/samplers";
import { float32, times } from "@dip-go/core/tensor";
import {
  denseCost,
  superNet,
  superNetOf,
  taylor,
} from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import {
  planCost,
  solverNetworks,
  SolverSessions,
} from "@dip-go/supernet/solver";
import { tinyUnet } from "@dip-go/testing/models";
import { withTinySampler } from "@dip-go/testing/runs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { fitTarget, type MethodContext } from "../../method.ts";
import { rowsOf } from "../../numbers.ts";
import { SamplerSearch } from "../../sampler_search.ts";
import { classSearch } from "../../search_settings.ts";
import { cheapestKeys, pathCosts } from "../../search/forecast_path.ts";
import { Trials } from "../../search/trials.ts";
import { tGate } from "../caches/t_gate.ts";
import { budCache, searchBudgeted } from "./bud_cache.ts";
import type { StepTrials } from "./choice_method.ts";
import { dpCache } from "./dp_cache.ts";
import { guidanceStops, unguidedPlan } from "./guidance_stops.ts";
import { l2p, leastSquaresRow, publishedKeys, trainedRow } from "./l2p.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** All subsets of `count` elements, ascending. */
function subsets(list: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return list.flatMap((first, i) =>
    subsets(list.slice(i + 1), count - 1).map((rest) => [first, ...rest])
  );
}

Deno.test("cheapestKeys() are the best of all keys that begin with the first steps", () => {
  const steps = 8;
  const { uniform } = seeded(1);
  const costs = range(0, steps).map(() =>
    range(0, steps).map(() => range(0, steps + 1).map(uniform))
  );
  for (const [count, forced] of [[3, 3], [4, 3], [6, 3], [5, 2]]) {
    const cost = (keys: readonly number[]) =>
      keys.slice(1).reduce(
        (sum, j, n) => sum + costs[keys[n]][j][keys[n + 2] ?? steps],
        forced === 3 ? -costs[0][1][2] : 0,
      );
    const all = subsets(range(forced, steps), count - forced)
      .map((rest) => [...range(0, forced), ...rest]);
    const best = all.reduce((a, b) => cost(b) < cost(a) ? b : a);
    assertEquals(cheapestKeys(costs, { count, forced }), best);
  }
});

Deno.test("pathCosts() add up the errors of forecasts between two keys", () => {
  const path = (values: readonly number[]) =>
    pathCosts(
      [{ predictions: values.map((value) => Float32Array.of(value, 0)) }],
      taylor(1),
    );
  // Between the keys 2 and 5, forecasts go on from 1 by 1 a step.
  const costs = path([0, 0, 1, 2.5, 1, 0]);
  assertEquals(costs[1][2][3], 0);
  assertEquals(costs[1][2][4], 0.5);
  assertEquals(costs[1][2][5], 2.5);
  assertEquals(costs[1][2][6], 2.5 + 4);
  assertEquals(costs[0][2][4], 1);
  const linear = path([1, 3, 5, 7, 9]);
  assert(linear.flat(2).every((cost) => cost < 1e-12));
});

const seeded = (seed: number) => {
  const random = new TorchGenerator(seed);
  return { uniform: () => random.uniform() };
};

Deno.test("searchBudgeted() keeps its prefix and its count, and finds the best of all choices", async () => {
  const [steps, k] = [12, 5];
  const wanted = [0, 3, 4, 8, 11];
  const lossOf = (computed: readonly number[]) =>
    computed.reduce((sum, t, i) => sum + (t - wanted[i]) ** 2, 0);
  let evaluations = 0;
  const search = async (most: number) => {
    const trials: StepTrials = new Trials((computed) => {
      evaluations++;
      assertEquals([computed.length, computed[0]], [k, 0]);
      assertEquals(new Set(computed).size, k);
      return Promise.resolve({ computed, loss: lossOf(computed) });
    }, { evaluations: most });
    await searchBudgeted(trials, { steps, k, ...seeded(3) });
    return trials.best.computed;
  };
  assertEquals(await search(300), wanted);
  assert(evaluations <= 300);
  evaluations = 0;
  assert(lossOf(await search(9)) > 0);
  assertEquals(evaluations, 9);
  const all: StepTrials = new Trials(
    (computed) => Promise.resolve({ computed, loss: 1 }),
    { evaluations: 5 },
  );
  await searchBudgeted(all, { steps: 3, k: 3, ...seeded(0) });
  assertEquals(all.best.computed, [0, 1, 2]);
});

/** The predictions of five steps. */
const series = [
  [1, 0.5403, -0.4161, -0.99, -0.6536, 0.2837],
  [0.9648, -0.1327, -0.7998, -0.1731, 0.9363, 1.093],
  [0.57, -0.5487, -0.055, 1.212, 1.099, -0.202],
  [0.0952, -0.2318, 1.2033, 1.3604, -0.0933, -0.0784],
  [-0.1422, 0.7277, 1.7807, 0.3507, 0.0583, 1.6439],
];
const productsOf = (rows: readonly (readonly number[])[]) =>
  rows.map((a) =>
    rows.map((b) => a.reduce((sum, x, i) => sum + x * b[i], 0) / a.length)
  );

Deno.test("trainedRow() are the weights that 201 steps of PyTorch's Adam find", () => {
  const expected = [
    [0.37095],
    [-0.77475, 0.57115],
    [-0.00424, -0.57592, 0.71232],
    [-0.33976, 1.12865, -1.4151, 1.601],
  ];
  const products = productsOf(series);
  expected.forEach((row, i) =>
    trainedRow(products, i + 1).forEach((weight, j) =>
      assertAlmostEquals(weight, row[j], 1e-3)
    )
  );
});

Deno.test("publishedKeys() are the authors' keys at 50 steps, and resampled ones at other numbers", () => {
  const keys = publishedKeys(8, 50);
  assertEquals(keys, [0, 1, 2, 4, 10, 20, 31, 41]);
  assertEquals(publishedKeys(10, 20), [0, 1, 2, 3, 4, 6, 9, 12, 15, 18]);
  assertEquals(publishedKeys(4, 20), [0, 1, 2, 10]);
  assertEquals(publishedKeys(20, 20), range(0, 20));
});

Deno.test("leastSquaresRow() is exact if a prediction is a combination of computed ones", () => {
  const [a, b, c] = series;
  const last = a.map((x, i) => 2 * c[i] - 0.5 * x);
  const row = leastSquaresRow(productsOf([a, b, c, last]), 3, [0, 2]);
  [-0.5, 0, 2].forEach((weight, j) => assertAlmostEquals(row[j], weight, 1e-4));
});

Deno.test("searches of whole steps compute as many steps as the budget pays for", () =>
  withTinySampler({ steps: 6 }, async (sampler) => {
    const search = {
      ...classSearch,
      batch: 1,
      calibration: 1,
      budCache: { evaluations: 6 },
      solver: { ...classSearch.solver, pairs: 2 },
    };
    await using made = new SamplerSearch(sampler, { search, seed: 0 });
    const fit = async (method: typeof l2p, sparsity: number) => {
      const fitted = await fitTarget(method, made.context([sparsity]));
      if (fitted.kind !== "gates") throw new Error(fitted.kind);
      return fitted.plan;
    };
    const path = await fit(dpCache, 0.3);
    const { coefficients } = path.payloads![sampler.graph().output];
    assertEquals(coefficients.filter(({ length }) => length === 0).length, 4);
    assertEquals(coefficients.slice(0, 3), [[], [], []]);
    await assertRejects(() => fit(dpCache, 0.6), Error, "none");
    const budgeted = await fit(budCache, 0.5);
    assertEquals(budgeted.gates.filter((row) => row[0] === 1).length, 3);
    const learned = await fit(l2p, 0.5);
    assertEquals(learned.gates.filter((row) => row[0] === 1).length, 3);
    assertEquals(learned.solver?.evaluations.length, 3);
  }));

Deno.test("guidance stops as late as the budget allows, then steps are left out", () =>
  withTinySampler({ steps: 5 }, async (sampler) => {
    const net = superNetOf(sampler);
    const context = { net } as MethodContext;
    const all = { keys: range(0, 5), stop: 5 };
    const fit = async (kept: number) => {
      const budget = kept * planCost(net, unguidedPlan(net, all));
      const fitted = await guidanceStops.fit(context, budget);
      if (fitted.kind !== "gates") throw new Error(fitted.kind);
      const { gates, halves } = fitted.plan;
      return gates.map((row, t) => row[0] * (halves![t] === "both" ? 2 : 1));
    };
    assertEquals(await fit(0.9), [2, 2, 2, 2, 1]);
    assertEquals(await fit(0.75), [2, 2, 1, 1, 1]);
    assertEquals(await fit(0.5), [2, 2, 0, 1, 0]);
    const plan = unguidedPlan(net, { keys: [0, 1, 3], stop: 2 });
    await using runner = new SubNetRunner(net);
    await using conditioner = await sampler.openConditioner();
    const inputs = sampler.inputs(await conditioner.conditioning([1]), {
      images: 1,
      random: new TorchGenerator(0),
    });
    const found = await runner.sample({ ...inputs, ...plan });
    // Expected: both halves run at every key, and the second one counts before the stop.
    await using sessions = new SolverSessions(solverNetworks(sampler, 1));
    let state = startState(sampler.sampler, inputs.latents.data);
    let prediction = state.latents;
    for (
      const [t, { timestep, inputScale }] of sampler.sampler.steps.entries()
    ) {
      if ([0, 1, 3].includes(t)) {
        const [own, other] = rowsOf(
          await sessions.evaluate({
            halves: "both",
            timestep: float32([1], [timestep]),
            sample: float32(sessions.shape, times(state.latents, inputScale)),
            conditioning: inputs.conditioning,
          }),
          2,
        );
        prediction = t < 2 ? own.map((x, e) => 2 * x - other[e]) : own;
      }
      state = nextState(sampler.sampler, t, { state, prediction });
    }
    found.data.forEach((value, i) =>
      assertAlmostEquals(value / state.latents[i], 1, 1e-4)
    );
  }));

Deno.test("t-gate comes as close to the budget as its gate and interval let it", async () => {
  const units = (batch: number) => tinyUnet({ batch, granularity: "layer" });
  const net = superNet(units(2), { steps: 10, conditional: () => units(1) });
  const context = { net } as MethodContext;
  const cost = async (kept: number) => {
    const fitted = await tGate.fit(context, kept * denseCost(net));
    if (fitted.kind !== "gates") throw new Error(fitted.kind);
    assert(fitted.plan.halves!.includes("conditional"));
    return planCost(net, fitted.plan) / denseCost(net);
  };
  for (const kept of [0.9, 0.8, 0.7]) {
    const found = await cost(kept);
    assert(found <= kept && found > kept - 0.05, `${found}`);
  }
  await assertRejects(() => cost(0.3), Error, "none");
  const plain = superNet(units(2), { steps: 10 });
  const { sampler } = context;
  assert(tGate.refusal!({ net, sampler }) === undefined);
  assert(tGate.refusal!({ net: plain, sampler })!.includes("no guidance"));
});
