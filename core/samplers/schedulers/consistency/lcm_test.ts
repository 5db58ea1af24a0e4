import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { lcmConfig, makeLcm } from "./lcm.ts";
import { makeNoiseSchedule } from "../../schedule/noise_schedule.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";

const configOf = (own: object) =>
  lcmConfig(parseSchedulerConfig({
    beta_schedule: "scaled_linear",
    beta_start: 0.00085,
    beta_end: 0.012,
    prediction_type: "sample",
    ...own,
  }, "test"));
const config = configOf({});

Deno.test("makeLcm() adds noise on all but the last step, and does not clip by default", () => {
  const { steps, memory } = makeLcm(config, { steps: 4 });
  assertEquals(steps.map(({ timestep }) => timestep), [999, 759, 499, 259]);
  const { alphasCumprod } = makeNoiseSchedule(config);
  const noise = [759, 499, 259].map((t) => Math.sqrt(1 - alphasCumprod[t]));
  assertEquals(steps.map((step) => step.noise), [...noise, 0]);
  assertEquals(steps.map(({ clip }) => clip), Array(4).fill(undefined));
  assertEquals(memory, 0);
});

Deno.test("makeLcm() clips the clean sample before the boundary condition", () => {
  const [step] = makeLcm(
    configOf({ clip_sample: true, clip_sample_range: 2 }),
    { steps: 1 },
  ).steps;
  const t = 10 * 999;
  const cOut = t / Math.hypot(t, 0.5);
  assertAlmostEquals(step.clip!.factor, cOut, 1e-12);
  assertEquals(step.clip!.limit, 2);
  assertAlmostEquals(step.predictions[0], cOut, 1e-12);
});

Deno.test("makeLcm() refuses steps that the distilled solver did not have", () => {
  assertThrows(
    () => makeLcm(config, { steps: 51 }),
    RangeError,
    "steps is 51, expected an integer from 1 to 50",
  );
  assertThrows(
    () => configOf({ original_inference_steps: 2000 }),
    RangeError,
    '"original_inference_steps" is 2000',
  );
  assertEquals(
    makeLcm(config, { steps: 60, originalInferenceSteps: 100 }).steps.length,
    60,
  );
});
