import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ddimConfig, makeDdim } from "../discrete/ddim.ts";
import { eulerConfig, makeEuler } from "./euler.ts";
import { parseSchedulerConfig } from "../../schedule/scheduler_config.ts";
import { trainingSigmas } from "../../schedule/sigmas.ts";

const json = {
  _class_name: "EulerDiscreteScheduler",
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  timestep_spacing: "leading",
};
const parsed = (own: object) =>
  parseSchedulerConfig({ ...json, ...own }, "test");
const config = eulerConfig(parsed({}));

for (const predictionType of ["epsilon", "v_prediction", "sample"] as const) {
  Deno.test(`makeEuler() is DDIM in other coordinates, ${predictionType}`, () => {
    const own = parsed({ prediction_type: predictionType, clip_sample: false });
    const euler = makeEuler(eulerConfig(own), { steps: 10 }).steps;
    const ddim = makeDdim(ddimConfig(own), { steps: 10 }).steps;
    euler.forEach(({ latents: [x], predictions: [p], inputScale }, i) => {
      const nextScale = euler[i + 1]?.inputScale ?? 1;
      assertAlmostEquals(x * nextScale / inputScale, ddim[i].latents[0], 1e-6);
      assertAlmostEquals(p * nextScale, ddim[i].predictions[0], 1e-6);
    });
  });
}

Deno.test("makeEuler() takes the ends of Karras' spacing from the config", () => {
  const karras = eulerConfig(
    parsed({ use_karras_sigmas: true, sigma_min: 0.1, sigma_max: 10 }),
  );
  const sampler = makeEuler(karras, { steps: 5 });
  assertAlmostEquals(sampler.initNoiseSigma, Math.hypot(10, 1), 1e-12);
  assertAlmostEquals(sampler.steps[0].inputScale, 1 / Math.hypot(10, 1), 1e-12);
  assertAlmostEquals(
    sampler.steps[4].inputScale,
    1 / Math.hypot(0.1, 1),
    1e-12,
  );
});

Deno.test("makeEuler() ends without noise, or at the least of the training", () => {
  const [last] = makeEuler(config, { steps: 3 }).steps.slice(-1);
  assertAlmostEquals(last.latents[0], 1, 1e-12); // x − sigma · epsilon
  const least = { ...config, finalSigmas: "sigma_min" } as const;
  const [short] = makeEuler(least, { steps: 3 }).steps.slice(-1);
  const sigma = trainingSigmas(config)[short.timestep];
  assertAlmostEquals(
    short.predictions[0],
    trainingSigmas(config)[0] - sigma,
    1e-12,
  );
});

Deno.test("makeEuler() refuses what it cannot do", () => {
  const refusals: [object, string][] = [
    [
      { interpolation_type: "log_linear" },
      '"interpolation_type" is "log_linear"',
    ],
    [{ timestep_type: "continuous" }, '"timestep_type" is "continuous"'],
    [{ use_beta_sigmas: true }, '"use_beta_sigmas" is true'],
  ];
  for (const [change, message] of refusals) {
    assertThrows(() => eulerConfig(parsed(change)), TypeError, message);
  }
  assertEquals(makeEuler(config, { steps: 1 }).steps.length, 1);
});
