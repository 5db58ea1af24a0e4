import { assert, assertEquals, assertThrows } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import {
  checkGates,
  costBudget,
  denseMacs,
  liveBlocks,
  subNetMacs,
  superNetOf,
} from "@dip-go/supernet/gates";
import { withTinySampler } from "@dip-go/testing/runs";
import { fitTarget, type FittedPlan } from "./method.ts";
import { methodNamed, methodOf, methods } from "./methods.ts";
import { layersPlan } from "./rivals/caches/held_plan.ts";
import { foraKeys } from "./rivals/fora.ts";
import { randomGates } from "./rivals/random_gates.ts";
import { SamplerSearch } from "./sampler_search.ts";
import { classSearch } from "./search_settings.ts";

/** Fits methods on a tiny model with 5 steps of a sampler. */
const withFit = (
  body: (
    fit: (name: string, sparsity: number) => Promise<FittedPlan>,
    sampler: PipelineSampler,
  ) => Promise<void>,
  kind?: "pndm",
) =>
  withTinySampler({ steps: 5, kind }, async (sampler) => {
    const options = { search: classSearch, seed: 0 };
    await using search = new SamplerSearch(sampler, options);
    await body(
      (name, sparsity) =>
        fitTarget(methodNamed(name), search.context([sparsity])),
      sampler,
    );
  });

const computed = (fitted: FittedPlan) =>
  fitted.kind === "gates"
    ? fitted.plan.gates.map((row) => row[0]).join("")
    : fitted.kind;

Deno.test("fewer-steps and uniform-reuse take the most calls that fit, exactly at the budget too", () =>
  withFit(async (fit) => {
    assertEquals(await fit("fewer-steps", 0.4), { kind: "steps", steps: 3 });
    assertEquals(await fit("fewer-steps", 0.41), { kind: "steps", steps: 2 });
    assertEquals(await fit("fewer-steps", 0.8), { kind: "steps", steps: 1 });
    assertEquals((await fit("fewer-steps", 0.81)).kind, "none");
    assertEquals(computed(await fit("uniform-reuse", 0.4)), "11010");
    assertEquals(computed(await fit("uniform-reuse", 0.8)), "10000");
  }));

Deno.test("fewer-steps counts model calls, which PNDM makes once more than it has steps", () =>
  withFit(async (fit, sampler) => {
    assertEquals(sampler.calls, 6);
    assertEquals(await fit("fewer-steps", 0.4), { kind: "steps", steps: 2 });
    assertEquals(sampler.withSteps(2).calls, 3);
    assertEquals(computed(await fit("uniform-reuse", 0.4)), "101010");
  }, "pndm"));

Deno.test("fora takes the smallest interval that fits, fills the rest, and has no plan if ungated blocks cost too much", () =>
  withFit(async (fit) => {
    assertEquals(computed(await fit("fora", 0.15)), "11101");
    assertEquals(computed(await fit("fora", 0.3)), "10101");
    assertEquals((await fit("fora", 0.8)).kind, "none");
  }));

Deno.test("no method has a plan for less than one call", () =>
  withFit(async (fit) => {
    for (const { name } of methods) {
      assertEquals((await fit(name, 0.82)).kind, "none", name);
    }
  }));

Deno.test("random draws the same gates again, within the budget", () =>
  withFit(async (fit, sampler) => {
    const first = await fit("random", 0.5);
    assertEquals(await fit("random", 0.5), first);
    const net = superNetOf(sampler);
    assert(
      first.kind === "gates" &&
        subNetMacs(net, first.plan.gates) <= costBudget(denseMacs(net), 0.5),
    );
  }));

Deno.test("MACs of a batch are one image's MACs times the batch", () =>
  withFit(async (fit, sampler) => {
    const fitted = await fit("random", 0.5);
    if (fitted.kind !== "gates") throw new Error("unreachable");
    const [one, three] = [1, 3].map((images) =>
      subNetMacs(superNetOf(sampler, { images }), fitted.plan.gates)
    );
    assertEquals(three, 3 * one);
  }));

Deno.test("method names can be file names, and differ", () => {
  const names = methods.map(({ name }) => name);
  assert(names.every((name) => /^[a-z0-9+-]+$/i.test(name)));
  assertEquals(new Set(names).size, names.length);
});

Deno.test("fora runs every sublayer at its keys, counted from the last step, and only the ungated blocks between", () =>
  withTinySampler({ steps: 6 }, (sampler) => {
    const net = superNetOf(sampler);
    const keys = foraKeys(3, 6);
    assertEquals(keys, [0, 2, 5]);
    const live = liveBlocks(net, layersPlan(net, keys).gates);
    const gated = (t: number) =>
      net.blocks.filter(({ block }, i) => block.gated && live[t][i]).length;
    assertEquals([0, 1, 2, 3, 4, 5].map(gated), [4, 0, 4, 0, 0, 4]);
    assert(live[1][0] && live[1][net.blocks.length - 1]);
    assertThrows(() => foraKeys(0, 6), RangeError, "interval is 0");
    return Promise.resolve();
  }));

Deno.test("randomGates() stays within the budget, and refuses one below a single call", () =>
  withTinySampler({ steps: 6 }, (sampler) => {
    const net = superNetOf(sampler);
    const dense = denseMacs(net);
    for (const seed of [0, 1, 2]) {
      const random = new TorchGenerator(seed);
      const draw = () => random.uniform();
      const gates = randomGates(net, { uniform: draw, maxCost: dense / 2 });
      checkGates(gates, { steps: 6, units: net.units.length, source: "test" });
      const macs = subNetMacs(net, gates);
      assert(macs <= dense / 2 && macs > dense / 6);
    }
    const uniform = () => 0;
    assertThrows(
      () => randomGates(net, { uniform, maxCost: 1 }),
      RangeError,
      "the budget is 1",
    );
    return Promise.resolve();
  }));

Deno.test("methods that are fitted to trajectories count a picture for each, in whole batches", () => {
  const search = { ...classSearch, batch: 4 };
  const own = { ...search, solver: { ...search.solver, pairs: 10 } };
  const pictures = methods.flatMap((method) =>
    method.settings?.includes("solver")
      ? [[method.name, method.pictures?.({ search: own })]]
      : []
  );
  assert(pictures.length > 3);
  assertEquals(pictures, pictures.map(([name]) => [name, 12]));
  const chosen = { kind: "learned-solver", pairs: 7 } as const;
  assertEquals(methodOf(chosen).pictures?.({ search: own }), 8);
});
