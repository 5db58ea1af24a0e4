import { assertEquals, assertThrows } from "@std/assert";
import quickstart from "../quickstart.ts";
import { withSetting } from "./setting.ts";

Deno.test("withSetting() replaces one value, and leaves the experiment as it was", () => {
  const { sampler, ...rest } = withSetting(quickstart, "sampler.steps=50");
  assertEquals(sampler, { kind: "ddim", steps: 50, guidanceScale: 2 });
  assertEquals({ ...rest, sampler: quickstart.sampler }, quickstart);
  assertEquals(quickstart.sampler.steps, 20);
});

Deno.test("withSetting() reads JSON, and strings with or without quotes", () => {
  const set = (setting: string) => withSetting(quickstart, setting);
  assertEquals(set("sparsity=[0.5]").sparsity, [0.5]);
  assertEquals(set('methods=["fora"]').methods, ["fora"]);
  assertEquals(set("model=models/a=b").model, "models/a=b");
  assertEquals(set('model="models/a"').model, "models/a");
});

Deno.test("withSetting() names the path that it does not know", () => {
  const paths = ["stepz", "sampler.stepz", "sampler", "__proto__.x", "seed.x"];
  for (const path of paths) {
    assertThrows(
      () => withSetting(quickstart, `${path}=1`),
      RangeError,
      `Cannot set ${path}: expected path=value`,
    );
  }
  assertThrows(() => withSetting(quickstart, "seed"), RangeError, "seed");
});

Deno.test("withSetting() names the path whose value is of another kind", () => {
  const refused = (setting: string, message: string) =>
    assertThrows(() => withSetting(quickstart, setting), TypeError, message);
  refused("seed=two", "Cannot set seed: found two, expected a number");
  refused('seed="2"', 'Cannot set seed: found "2", expected a number');
  refused('sparsity=["a"]', "expected a list of numbers");
  refused("sparsity=0.5", "expected a list of numbers");
  refused("model=3", "expected a string");
});
