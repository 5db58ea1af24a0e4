import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ddimConfig, makeDdim } from "./ddim.ts";
import { ddpmConfig, makeDdpm } from "./ddpm.ts";
import { makeNoiseSchedule } from "../../schedule/noise_schedule.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";

const parsed = (own: object) =>
  parseSchedulerConfig({ clip_sample: false, ...own }, "test");
const config = ddpmConfig(parsed({}));

for (const predictionType of ["epsilon", "v_prediction", "sample"] as const) {
  Deno.test(`makeDdpm() is DDIM with eta 1, ${predictionType}`, () => {
    const own = parsed({ prediction_type: predictionType });
    const ddpm = makeDdpm(ddpmConfig(own), { steps: 10 }).steps;
    const ddim = makeDdim(ddimConfig(own), { steps: 10, eta: 1 }).steps;
    ddpm.forEach(({ latents: [x], predictions: [p], noise }, i) => {
      assertAlmostEquals(x, ddim[i].latents[0], 1e-6);
      assertAlmostEquals(p, ddim[i].predictions[0], 1e-6);
      assertAlmostEquals(noise, ddim[i].noise, 1e-6);
    });
  });
}

Deno.test("makeDdpm() knows the larger variance, and refuses a learned one", () => {
  const large = ddpmConfig(parsed({ variance_type: "fixed_large" }));
  const [step] = makeDdpm(large, { steps: 10 }).steps;
  const { alphasCumprod } = makeNoiseSchedule(config);
  const beta = 1 - alphasCumprod[900] / alphasCumprod[800];
  assertAlmostEquals(step.noise, Math.sqrt(beta), 1e-12);
  assertThrows(
    () => ddpmConfig(parsed({ variance_type: "learned" })),
    TypeError,
    '"variance_type" is "learned"',
  );
});

Deno.test("makeDdpm() clips the clean sample by default", () => {
  const silent = makeDdpm(ddpmConfig(parseSchedulerConfig({}, "test")), {
    steps: 10,
  });
  assertEquals(silent.steps[0].clip?.limit, 1);
});

Deno.test("makeDdpm() goes to the list's next timestep, however far it is", () => {
  const trailing = ddpmConfig(parsed({ timestep_spacing: "trailing" }));
  const { steps } = makeDdpm(trailing, { steps: 7 });
  const listed = steps.map(({ timestep }) => timestep);
  assertEquals(listed, [999, 856, 713, 570, 428, 285, 142]);
  assertEquals(makeDdpm(config, { timesteps: listed }).steps, steps);
});
