import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ddimConfig, makeDdim } from "../discrete/ddim.ts";
import { eulerConfig, makeEuler } from "./euler.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";
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
    1e-9,
  );
});

Deno.test("makeEuler() ends without noise, or at the least sigma of the training", () => {
  const [last] = makeEuler(config, { steps: 3 }).steps.slice(-1);
  assertAlmostEquals(last.latents[0], 1, 1e-12); // x − sigma · epsilon
  const least = { ...config, finalSigmas: "sigma_min" } as const;
  const [short] = makeEuler(least, { steps: 3 }).steps.slice(-1);
  const { sigmas } = trainingSigmas(config);
  assertAlmostEquals(
    short.predictions[0],
    sigmas[0] - sigmas[short.timestep],
    1e-12,
  );
});

Deno.test("makeEuler() takes 1000 leading steps past the last timestep, with its sigma", () => {
  const offset = eulerConfig(parsed({ steps_offset: 1 }));
  const { steps: [first, second] } = makeEuler(offset, { steps: 1000 });
  assertEquals([first.timestep, second.timestep], [1000, 999]);
  assertEquals(first.inputScale, second.inputScale);
  assertEquals(first.predictions, [0]); // from a sigma to itself
});

Deno.test("makeEuler() refuses sigmas that do not descend, and timesteps if the config places the sigmas", () => {
  for (const sigmas of [[1], [2, 3, 0], [2, -1], [Infinity, 0]]) {
    assertThrows(
      () => makeEuler(config, { sigmas }),
      RangeError,
      "expected at least two that descend strictly",
    );
  }
  const timesteps = [900, 500];
  const placed = {
    use_beta_sigmas: { use_beta_sigmas: true },
    timestep_type: {
      timestep_type: "continuous",
      prediction_type: "v_prediction",
    },
  };
  for (const [key, json] of Object.entries(placed)) {
    assertThrows(
      () => makeEuler(eulerConfig(parsed(json)), { timesteps }),
      TypeError,
      key,
    );
  }
});
