import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { makeDdim } from "./ddim.ts";
import { makeEuler } from "./euler.ts";
import {
  parseSchedulerConfig,
  type SchedulerConfig,
} from "../schedule/scheduler_config.ts";
import { trainingSigmas } from "../schedule/sigmas.ts";

const config = parseSchedulerConfig({
  _class_name: "EulerDiscreteScheduler",
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  timestep_spacing: "leading",
}, "test");

for (const predictionType of ["epsilon", "v_prediction", "sample"] as const) {
  Deno.test(`makeEuler() is DDIM in other coordinates, ${predictionType}`, () => {
    const own = { ...config, predictionType, clipSample: false };
    const euler = makeEuler(own, { steps: 10 }).steps;
    const ddim = makeDdim(own, { steps: 10 }).steps;
    euler.forEach(({ latents: [x], predictions: [p], inputScale }, i) => {
      const nextScale = euler[i + 1]?.inputScale ?? 1;
      assertAlmostEquals(x * nextScale / inputScale, ddim[i].latents[0], 1e-6);
      assertAlmostEquals(p * nextScale, ddim[i].predictions[0], 1e-6);
    });
  });
}

Deno.test("makeEuler() takes the ends of Karras' spacing from the config", () => {
  const karras: SchedulerConfig = {
    ...config,
    sigmaSpacing: "use_karras_sigmas",
    sigmaMin: 0.1,
    sigmaMax: 10,
  };
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
  const refusals: [Partial<SchedulerConfig>, string][] = [
    [{ interpolationType: "log_linear" }, "interpolation_type is log_linear"],
    [{ timestepType: "continuous" }, "timestep_type is continuous"],
    [{ sigmaSpacing: "use_beta_sigmas" }, "use_beta_sigmas is true"],
  ];
  for (const [change, message] of refusals) {
    const refused = { ...config, ...change };
    assertThrows(() => makeEuler(refused, { steps: 3 }), TypeError, message);
  }
  assertEquals(makeEuler(config, { steps: 1 }).steps.length, 1);
});
