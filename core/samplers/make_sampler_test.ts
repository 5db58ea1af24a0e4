import { assertEquals, assertThrows } from "@std/assert";
import {
  makeSampler,
  type SamplerKind,
  samplerKindOf,
  samplerKinds,
} from "./make_sampler.ts";
import { parseSchedulerConfig } from "./schedule/read_scheduler_config.ts";

const sd15 = parseSchedulerConfig({
  _class_name: "PNDMScheduler",
  skip_prk_steps: true,
  steps_offset: 1,
  set_alpha_to_one: false,
}, "sd15");

const playground = parseSchedulerConfig({
  _class_name: "EDMDPMSolverMultistepScheduler",
  rho: 7,
  sigma_data: 0.5,
  sigma_max: 80,
  sigma_min: 0.002,
  sigma_schedule: "karras",
}, "playground-v2.5");

Deno.test("makeSampler() follows _class_name, and a name that is given instead", () => {
  assertEquals(makeSampler(sd15, { steps: 10 }).name, "pndm");
  for (const kind of samplerKinds) {
    const config = kind.startsWith("edm") ? playground : sd15;
    assertEquals(makeSampler(config, { kind, steps: 10 }).name, kind);
  }
});

Deno.test("makeSampler() takes EDM's samplers for EDM's networks alone", () => {
  const refusals = [
    [sd15, "edm-euler", "a network of PNDMScheduler: expected a sampler not"],
    [playground, "ddim", "expected edm-euler or edm-dpm-solver++"],
  ] as const;
  for (const [config, kind, message] of refusals) {
    assertThrows(
      () => makeSampler(config, { kind, steps: 10 }),
      RangeError,
      message,
    );
  }
});

Deno.test("makeSampler() by name reads the keys that the classes share", () => {
  const { steps: [{ timestep }] } = makeSampler(sd15, {
    kind: "ddim",
    steps: 10,
  });
  assertEquals(timestep, 901); // leading spacing with the config's offset
});

Deno.test("samplerKindOf() names an unknown class, and the known ones", () => {
  for (const className of ["SASolverScheduler", "toString", undefined]) {
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

Deno.test("makeSampler() takes published schedules by name, if the class takes lists", () => {
  const timesteps = (kind: SamplerKind, choice: object) =>
    makeSampler(sd15, { kind, ...choice }).steps.map((step) => step.timestep);
  assertEquals(
    timesteps("dpm-solver++", { timesteps: "ays-sd15" }),
    [999, 850, 736, 645, 545, 455, 343, 233, 124, 24],
  );
  assertEquals(timesteps("euler", { sigmas: "ays-sdxl" }).length, 10);
  const refusals: [SamplerKind, object, string][] = [
    ["ddim", { timesteps: [5, 1] }, "its scheduler takes no timesteps"],
    [
      "heun",
      { sigmas: "ays-sd15" },
      "expected one of unipc, euler, flow-euler",
    ],
    ["euler", { timesteps: "ays-svd" }, "expected one of ays-sd15, ays-sdxl"],
    ["euler", { timesteps: "toString" }, "no published list of that name"],
    ["euler", { steps: 5, sigmas: [1, 0] }, "found sigmas and steps"],
    ["unipc", { sigmas: [0.9, 0.5] }, "use_flow_sigmas is false"],
    ["euler", {}, "found nothing, expected exactly one"],
    ["heun", { steps: 5, begin: 5 }, "begins at step 5, expected an integer"],
    ["ddim", { steps: 0 }, "steps is 0, expected an integer from 1"],
    [
      "magic" as SamplerKind,
      { steps: 5 },
      "Cannot make magic: expected one of",
    ],
    ["pndm", { steps: 5, begin: 6 }, "begins at step 6, expected an integer"],
  ];
  assertEquals(timesteps("pndm", { steps: 5, begin: 5 }).length, 1);
  for (const [kind, choice, message] of refusals) {
    assertThrows(() => makeSampler(sd15, { kind, ...choice }), Error, message);
  }
});
