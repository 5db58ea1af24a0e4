import { assertEquals, assertThrows } from "@std/assert";
import quickstart from "../quickstart.ts";
import { withSettings } from "./setting.ts";

const set = (...settings: string[]) => withSettings(quickstart, settings);

Deno.test("withSettings() replaces values, and does not change the given experiment", () => {
  const { sampler, seed, ...rest } = set("sampler.steps=50", "seed=3");
  assertEquals(sampler, { kind: "ddim", steps: 50, guidanceScale: 2 });
  assertEquals(seed, 3);
  assertEquals({ ...rest, sampler: quickstart.sampler, seed: 0 }, quickstart);
  assertEquals(quickstart.sampler.steps, 20);
});

Deno.test("withSettings() reads JSON, and strings with or without quotes", () => {
  assertEquals(set("sparsity=[0.5]").sparsity, [0.5]);
  assertEquals(set('methods=["fora"]', "mainMethod=fora").methods, ["fora"]);
  assertEquals(set("model=models/a=b").model, "models/a=b");
  assertEquals(set('model="models/a"').model, "models/a");
});

Deno.test("withSettings() sets absent values, and fills in their neighbours by default", () => {
  assertEquals(set("evaluation.seedPer=batch").evaluation.seedPer, "batch");
  assertEquals(
    set("search.evolution.evaluations=3", "search.evolution.population=2")
      .search.evolution,
    { evaluations: 3, population: 2 },
  );
  assertEquals(
    set('search={"batch":2}').search,
    { ...quickstart.search, batch: 2 },
  );
});

Deno.test("withSettings() removes a value that is set to null", () => {
  const settings = ["sparsity=null", "budgetMs=[9]"];
  const { sparsity, budgetMs, cost } = withSettings(quickstart, settings);
  assertEquals([sparsity, budgetMs, cost], [undefined, [9], "latency"]);
  assertEquals(
    set("methods.0=null").methods,
    withSettings(quickstart, []).methods.slice(1),
  );
});

Deno.test("withSettings() names an unknown path", () => {
  for (const path of ["stepz", "sampler.stepz", "__proto__", "constructor"]) {
    assertThrows(
      () => set(`${path}=1`),
      RangeError,
      `Cannot run experiment quickstart: ${path} is 1, expected no key but `,
    );
  }
  assertThrows(() => set("seed.x=1"), RangeError, 'seed is {"x":1}');
  assertThrows(() => set("seed"), RangeError, 'Cannot set "seed": expected');
  assertThrows(() => set("=1"), RangeError, 'Cannot set "=1": expected path');
});

Deno.test("withSettings() refuses an impossible value with path, found and expected", () => {
  const refused = (setting: string, message: string) =>
    assertThrows(
      () => set(setting),
      RangeError,
      `Cannot run experiment quickstart: ${message}`,
    );
  refused("seed=two", 'seed is "two", expected a whole number from 0');
  refused('seed="2"', 'seed is "2", expected a whole number from 0');
  refused("seed=-1", "seed is -1, expected a whole number from 0");
  refused('sparsity=["a"]', 'sparsity[0] is "a", expected a number from 0 on');
  refused("sparsity=0.5", "sparsity is 0.5, expected a list");
  refused("methods=3", "methods is 3, expected a list");
  refused("metrics=3", "metrics is 3, expected a list");
  refused("latency.batches=1", "latency.batches is 1, expected a list");
  refused("model=3", "model is 3, expected a model's folder or name");
  refused("sampler=ddim", 'sampler is "ddim", expected an object');
  refused("search=[]", "search is [], expected an object");
  const network = "search.network.";
  refused(
    `${network}optimizer=lion`,
    `${network}optimizer is "lion", expected sgd or adamw`,
  );
  refused(
    `${network}space=pixels`,
    `${network}space is "pixels", expected pictures or latents`,
  );
  refused(
    `${network}consistency=huber`,
    `${network}consistency is "huber", expected one of ssim, l1, l2, l1+ssim`,
  );
  refused(
    `${network}network.queryDim=6`,
    `${network}network.queryDim is 6, expected a whole number that 4 divides`,
  );
  const counts = [
    "sampler.steps",
    "search.batch",
    "search.calibration",
    `${network}iterations`,
    `${network}accumulate`,
    "search.energy.approach",
    "search.energy.evaluations",
    "search.energy.tries",
    "search.subset.evaluations",
    "evaluation.pairs",
    "evaluation.batch",
    "latency.rounds",
  ];
  for (const path of counts) {
    for (const count of [-5, 0, 1.5]) {
      refused(
        `${path}=${count}`,
        `${path} is ${count}, expected a whole number from 1`,
      );
    }
  }
  for (const path of [`${network}warmUp`, "search.refine.iterations"]) {
    refused(`${path}=-1`, `${path} is -1, expected a whole number from 0`);
  }
  for (const path of ["alpha", "stop", "weightDecay"]) {
    refused(`${network}${path}=-1`, `${network}${path} is -1, expected a`);
  }
  for (const path of ["learningRate", "clip"]) {
    refused(`${network}${path}=0`, `${network}${path} is 0, expected a`);
  }
});
