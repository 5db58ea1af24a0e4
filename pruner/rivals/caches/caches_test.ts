/** Rules of published caches on small examples; `conformance` runs them against recordings of their own code (`testdata/rivals`). */
import { readJson } from "@dip-go/core/files";
import { loadPipeline } from "@dip-go/core/pipeline";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { denseCost, type SubNetPlan, superNetOf } from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { withTinySampler } from "@dip-go/testing/runs";
import { fidelityTo } from "../../calibration.ts";
import { fitTarget, type MethodContext } from "../../method.ts";
import { SamplerSearch } from "../../sampler_search.ts";
import { classSearch } from "../../search_settings.ts";
import { dbCache, rulePlan } from "./db_cache.ts";
import { deltaDit, deltaDitPlan } from "./delta_dit.ts";
import { learningToCache, routedPlan } from "./learning_to_cache.ts";
import { magCache, magRatios, magRuns } from "./mag_cache.ts";
import { smoothCache, smoothRuns } from "./smooth_cache.ts";
import { tGateRuns } from "./t_gate.ts";
import { diffusersKeys, paperKeys } from "./taylor_seer.ts";

const text = (runs: readonly boolean[]) =>
  runs.map((run) => run ? 1 : 0).join("");

Deno.test("TaylorSeer's keys: diffusers forecasts the call after its warm-up, the paper does not", () => {
  const diffusers = { interval: 5, before: 3 };
  assertEquals(diffusersKeys(11, diffusers), [0, 1, 2, 4, 9]);
  assertEquals(
    diffusersKeys(11, { ...diffusers, after: 8 }),
    [0, 1, 2, 4, 8, 9, 10],
  );
  assertEquals(paperKeys(11, { interval: 4, first: 2 }), [0, 1, 5, 9]);
  assertEquals(paperKeys(11, { interval: 4, first: 3 }), [0, 1, 2, 6, 10]);
});

Deno.test("smoothRuns() jumps as far as errors allow, and forces the first and the last call", () => {
  const errors = [[0.3, 0.2, 0.5], [0.1, 0.1, 0.1], [0.1, 0.1], [0.1], []];
  assertEquals(text(smoothRuns(errors, 0.2)), "10011");
  assertEquals(text(smoothRuns(errors, 0.05)), "11111");
});

Deno.test("magRuns() adds up how far the norm has changed, and resamples ratios", () => {
  const settings = { threshold: 0.35, maxSkip: 3, retention: 0.4 };
  const ratios = [1, 2, 0.9, 0.9, 0.9];
  assertEquals(text(magRuns(ratios, 5, settings)), "11001");
  assertEquals(
    text(magRuns(ratios, 5, { ...settings, maxSkip: 1 })),
    "11010",
  );
  assertEquals(text(magRuns([1, 0.9], 4, settings)), "1100");
  // Call 7 of 15 takes ratio 15 of 32: in float32 its place is below the 15.5 of float64.
  const ratios32 = Array<number>(32).fill(1).with(15, 2);
  const long = { threshold: 0.35, maxSkip: 15, retention: 0.1 };
  assertEquals(text(magRuns(ratios32, 15, long)), "110000010000000");
});

Deno.test("tGateRuns() stops cross-attention at the gate, and runs self-attention at intervals", () => {
  const settings = { gate: 6, selfInterval: 3, lateInterval: 2, warmUp: 1 };
  const { self, cross } = tGateRuns(9, settings);
  assertEquals(text(self), "110101101");
  assertEquals(text(cross), "111111000");
  const late = tGateRuns(10, { ...settings, first: -1 });
  assertEquals(text(late.cross), "1111111000");
});

Deno.test("Δ-DiT leaves out three quarters of the blocks between keys: the rear ones up to step 12 of 20, then the front ones", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const sampler = pipeline.sampler({ steps: 20, granularity: "sublayer" });
  const net = superNetOf(sampler);
  const { gates, payloads = {} } = deltaDitPlan(net, [0, 10, 15]);
  const rows = gates.map((row) => row.join(""));
  const ones = (blocks: number) => "11".repeat(blocks);
  const zeros = (blocks: number) => "00".repeat(blocks);
  const whole = ones(12) + "1";
  const early = ones(3) + zeros(9) + "1";
  const late = zeros(9) + ones(3) + "1";
  const between = (count: number, row: string) => Array(count).fill(row);
  assertEquals(rows, [
    whole,
    ...between(9, early),
    whole,
    early,
    ...between(3, late),
    whole,
    ...between(4, late),
  ]);
  assertEquals(Object.keys(payloads), net.units.slice(0, -1));
  assert(Object.values(payloads).every(({ held }) => held === "residual"));
  // Every second step, which the authors count as 1.6 times fewer MACs.
  const task = { net } as MethodContext;
  const fitted = await deltaDit.fit(task, 0.63 * denseCost(net));
  if (fitted.kind !== "gates") throw new Error(fitted.kind);
  const keys = fitted.plan.gates.flatMap((row, t) =>
    row.includes(0) ? [] : [t]
  );
  assertEquals(keys, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
});

Deno.test("rulePlan() plans a mask beforehand, and refuses a rule that asks for changes", () =>
  withTinySampler({ steps: 6, granularity: "block" }, async (sampler) => {
    const net = superNetOf(sampler);
    const settings = { first: 1, last: 0, threshold: 0.2, warmUp: 4 };
    const mask = [1, 1, 0, 1, 0, 0].map((entry) => entry === 1);
    const plan = await rulePlan(
      net,
      dbCache({
        ...settings,
        order: 1,
        mostInARow: 1, // counts only if a threshold is asked
        mask: { computes: mask, tests: false },
      }),
    );
    assertEquals(
      plan.gates.map((row) => row.join("")),
      ["111", "111", "101", "111", "101", "101"],
    );
    const [, second] = net.units;
    // The first difference is taken at call 3: the residual is held until then.
    assertEquals(
      plan.payloads?.[second].coefficients,
      [[], [], [1], [], [1.5, -0.5], [2, -1]],
    );
    await assertRejects(
      () => rulePlan(net, dbCache(settings)),
      RangeError,
      "it asks for a change at call 4",
    );
    await assertRejects(
      () => rulePlan(net, dbCache({ ...settings, last: 2 })),
      RangeError,
      "between the first 1 and the last 2 units: found 2",
    );
  }));

Deno.test("dbCache() cuts its warm-up to a mask that only computes, and reuses after its end", () =>
  withTinySampler({ steps: 6, granularity: "block" }, async (sampler) => {
    const rule = dbCache({
      ...{ first: 1, last: 0, threshold: 0.2, warmUp: 5 },
      mask: { computes: [true, true, true], tests: false },
    });
    const { gates } = await rulePlan(superNetOf(sampler), rule);
    assertEquals(text(gates.map(([, second]) => second === 1)), "111000");
  }));

Deno.test("a rule that decides while sampling leaves a plan that leads to the same latents", () =>
  withTinySampler({ steps: 6, granularity: "block" }, async (sampler) => {
    await using runner = new SubNetRunner(superNetOf(sampler));
    await using conditioner = await sampler.openConditioner();
    const conditioning = await conditioner.conditioning([1]);
    const random = new TorchGenerator(0);
    const inputs = sampler.inputs(conditioning, { images: 1, random });
    const settings = { first: 1, last: 0, threshold: 0.99, warmUp: 1 };
    const rule = dbCache({ ...settings, mostInARow: 2, order: 1 });
    const { latents, plan } = await runner.sampleByRule(inputs, rule);
    const reused = plan.gates.filter((row) => row.includes(0)).length;
    assert(reused > 1 && reused < 5, `${reused} calls reuse`);
    const again = await runner.sample({ ...inputs, ...plan });
    assertEquals(again, latents);
  }));

Deno.test("smoothcache and magcache take the lowest threshold within their budget", () =>
  withTinySampler({ steps: 5 }, async (sampler) => {
    const search = { ...classSearch, calibration: 1 };
    await using made = new SamplerSearch(sampler, { search, seed: 0 });
    const kinds = [[smoothCache, "branch"], [magCache, "residual"]] as const;
    for (const [method, kind] of kinds) {
      const closed: number[] = [];
      for (const sparsity of [0.1, 0.4]) {
        const fitted = await fitTarget(method, made.context([sparsity]));
        if (fitted.kind !== "gates") throw new Error(fitted.kind);
        const { gates, payloads = {} } = fitted.plan;
        assert(Object.values(payloads).every(({ held }) => held === kind));
        closed.push(gates.flat().filter((gate) => gate === 0).length);
      }
      assert(closed[0] > 0 && closed[1] > closed[0], `${closed} gates closed`);
    }
  }));

Deno.test("routers keep the units whose reuse moves the prediction most", () =>
  withTinySampler({ steps: 4 }, async (sampler) => {
    const search = {
      ...classSearch,
      batch: 1,
      calibration: 1,
      routers: { iterations: 16, learningRate: 0.4, sumWeight: 1e-3 },
    };
    await using made = new SamplerSearch(sampler, { search, seed: 0 });
    const context = made.context([0.25]);
    const fitted = await fitTarget(learningToCache, context);
    if (fitted.kind !== "gates") throw new Error(fitted.kind);
    const { gates } = fitted.plan;
    assert(gates[0].every((gate) => gate) && gates[2].every((gate) => gate));
    const [batch] = await context.calibration();
    const errorOf = async (plan: SubNetPlan) =>
      -fidelityTo(batch, await context.runner.sample({ ...batch, ...plan }));
    const found = await errorOf(fitted.plan);
    const closed = gates.flat().filter((gate) => gate === 0).length;
    // The rivals close as many units at random.
    const random = new TorchGenerator(2);
    const errors: number[] = [];
    for (let i = 0; i < 5; i++) {
      const places = Array.from({ length: 8 }, (_, n) => n)
        .sort(() => random.uniform() - 0.5).slice(0, closed);
      const computes = [0, 1].map((p) =>
        [0, 1, 2, 3].map((n) => !places.includes(4 * p + n))
      );
      errors.push(await errorOf(routedPlan(context.net, computes)));
    }
    const below = errors.filter((error) => error < found).length;
    assert(below <= 1, `${below} of 5 random choices are better`);
    const low = await fitTarget(learningToCache, made.context([0.6]));
    assertEquals(low.kind, "none");
  }));

Deno.test("magRatios() measures the ratios that diffusers calibrates", async () => {
  const { parameters: { magRatios: recorded } } = await readJson(
    "testdata/rivals/mag-cache/dit-resampled-s0.json",
  ) as { parameters: { magRatios: number[] } };
  const pipeline = await loadPipeline("zoo/models/dit-shapes", { threads: 1 });
  const sampler = pipeline.sampler({
    steps: 20,
    guidanceScale: 2,
    granularity: "block",
  });
  await using runner = new SubNetRunner(superNetOf(sampler));
  await using conditioner = await sampler.openConditioner();
  const conditioning = await conditioner.conditioning([4]);
  const inputs = sampler.inputs(conditioning, {
    images: 1,
    random: new TorchGenerator(0),
  });
  const batch = { ...inputs, trajectory: [], predictions: [] };
  const ratios = await magRatios(runner, [batch]);
  // The recorded ratios are those of every second call.
  recorded.forEach((ratio, i) =>
    assertAlmostEquals(ratios[2 * i], ratio, 1e-4)
  );
});
