import { assertEquals, assertThrows } from "@std/assert";
import { ConfigJson } from "./config_json.ts";

Deno.test("ConfigJson reads null flags, and lists of unset ones, as false", () => {
  const allowed = { upcast: [undefined, false, true], name: ["a"] };
  const flag = (upcast: unknown) =>
    new ConfigJson({ upcast, name: "a" }, "c.json", allowed).value("upcast");
  assertEquals([null, [false, false], true].map(flag), [false, false, true]);
  const own = { upcast: [null, false, true] };
  const kept = new ConfigJson({ upcast: null }, "c.json", own).value("upcast");
  assertEquals(kept, null);
  assertThrows(() => flag([false, true]), TypeError, 'key "upcast" is [false');
  assertThrows(
    () => new ConfigJson({ name: null }, "c.json", allowed),
    TypeError,
    'key "name" is null, expected "a"',
  );
});

Deno.test("ConfigJson.finish() takes keys of no value for absent ones", () => {
  new ConfigJson({ quantization_config: null }, "c.json").finish();
});

Deno.test("ConfigJson.finish() refuses the first key that was neither read nor is harmless", () => {
  const json = {
    class: "A",
    width: 4,
    dropout: 0.1,
    part: { deep: 1 },
    odd: 2,
  };
  const config = new ConfigJson(json, "c.json", { class: ["A"] });
  config.positiveInteger("width");
  const part = config.part("part");
  assertThrows(
    () => config.finish(["dropout"]),
    TypeError,
    'Cannot read config c.json: key "odd" is 2, expected no key of that name',
  );
  config.value("odd");
  config.finish(["dropout"]);
  assertThrows(() => part.finish(), TypeError, 'c.json, part: key "deep" is 1');
});

Deno.test("ConfigJson.requireOneOf() compares lists and objects by content", () => {
  const config = new ConfigJson({ heads: {}, list: [1] }, "c.json");
  config.requireOneOf("heads", [undefined, {}]);
  config.requireOneOf("absent", [undefined, {}]);
  assertThrows(() => config.requireOneOf("list", [[2]]), TypeError, "[2]");
  assertEquals(config.value("list"), [1]);
});
