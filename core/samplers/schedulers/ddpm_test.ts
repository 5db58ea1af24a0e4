import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { makeDdim } from "./ddim.ts";
import { makeDdpm } from "./ddpm.ts";
import { makeNoiseSchedule } from "../schedule/noise_schedule.ts";
import { parseSchedulerConfig } from "../schedule/scheduler_config.ts";

const config = parseSchedulerConfig({ clip_sample: false }, "test");

for (const predictionType of ["epsilon", "v_prediction", "sample"] as const) {
  Deno.test(`makeDdpm() is DDIM with eta 1, ${predictionType}`, () => {
    const own = { ...config, predictionType };
    const ddpm = makeDdpm(own, { steps: 10 }).steps;
    const ddim = makeDdim(own, { steps: 10, eta: 1 }).steps;
    ddpm.forEach(({ latents: [x], predictions: [p], noise }, i) => {
      assertAlmostEquals(x, ddim[i].latents[0], 1e-6);
      assertAlmostEquals(p, ddim[i].predictions[0], 1e-6);
      assertAlmostEquals(noise, ddim[i].noise, 1e-6);
    });
  });
}

Deno.test("makeDdpm() knows the larger variance, and refuses a learned one", () => {
  const large = { ...config, varianceType: "fixed_large" };
  const [step] = makeDdpm(large, { steps: 10 }).steps;
  const { alphasCumprod } = makeNoiseSchedule(config);
  const beta = 1 - alphasCumprod[900] / alphasCumprod[800];
  assertAlmostEquals(step.noise, Math.sqrt(beta), 1e-12);
  assertThrows(
    () => makeDdpm({ ...config, varianceType: "learned" }, { steps: 10 }),
    TypeError,
    "variance_type is learned",
  );
});

Deno.test("makeDdpm() clips the clean sample by default", () => {
  const silent = makeDdpm({ ...config, clipSample: undefined }, { steps: 10 });
  assertEquals(silent.steps[0].clip?.limit, 1);
});
