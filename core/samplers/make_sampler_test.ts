import { assertEquals, assertThrows } from "@std/assert";
import { makeSampler, samplerKindOf, samplerKinds } from "./make_sampler.ts";
import { parseSchedulerConfig } from "./schedule/scheduler_config.ts";

const sd15 = parseSchedulerConfig({
  _class_name: "PNDMScheduler",
  skip_prk_steps: true,
  steps_offset: 1,
  set_alpha_to_one: false,
}, "sd15");

Deno.test("makeSampler() follows _class_name, and a name that is given instead", () => {
  assertEquals(makeSampler(sd15, { steps: 10 }).name, "pndm");
  for (const kind of samplerKinds) {
    assertEquals(makeSampler(sd15, { kind, steps: 10 }).name, kind);
  }
});

Deno.test("makeSampler() by name reads the keys that the classes share", () => {
  const { steps: [{ timestep }] } = makeSampler(sd15, {
    kind: "ddim",
    steps: 10,
  });
  assertEquals(timestep, 901); // leading spacing with the config's offset
});

Deno.test("samplerKindOf() names the class that it does not know, and what to do", () => {
  for (const className of ["UniPCMultistepScheduler", "toString", undefined]) {
    assertThrows(
      () =>
        samplerKindOf(
          parseSchedulerConfig({ _class_name: className }, "sd15"),
        ),
      RangeError,
      `_class_name is ${className ?? "missing"}, expected one of DDIMScheduler`,
    );
  }
});
