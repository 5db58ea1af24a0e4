import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "./scheduler_config.ts";

Deno.test("parseSchedulerConfig() fills in diffusers' defaults and ignores other classes' keys", () => {
  const config = parseSchedulerConfig({
    _class_name: "PNDMScheduler",
    skip_prk_steps: true,
    trained_betas: null,
  }, "test");
  assertEquals(config, {
    numTrainTimesteps: 1000,
    betaStart: 0.0001,
    betaEnd: 0.02,
    betaSchedule: "linear",
    trainedBetas: undefined,
    rescaleBetasZeroSnr: false,
    predictionType: "epsilon",
    timestepSpacing: undefined,
    stepsOffset: 0,
    setAlphaToOne: undefined,
    clipSample: undefined,
    clipSampleRange: 1,
    thresholding: false,
  });
});

const refusals: [Record<string, unknown>, string][] = [
  [{ beta_schedule: "sigmoid" }, "beta_schedule is sigmoid, expected one of"],
  [{ prediction_type: "flow" }, "prediction_type is flow"],
  [{ timestep_spacing: 3 }, "timestep_spacing is 3"],
  [{ num_train_timesteps: 0 }, "num_train_timesteps is 0"],
  [
    { num_train_timesteps: "1000" },
    "num_train_timesteps is 1000, expected a number",
  ],
  [{ steps_offset: -1 }, "steps_offset is -1"],
  [{ beta_start: -Infinity }, "beta_start is -Infinity"],
  [{ beta_start: 0.5 }, "beta_start is 0.5, expected at most beta_end 0.02"],
  [{ clip_sample: 1 }, "clip_sample is 1, expected true or false"],
  [{ clip_sample_range: 0 }, "clip_sample_range is 0"],
  [{ trained_betas: 0.1 }, "trained_betas is 0.1"],
  [{ trained_betas: [0.1, 2] }, "trained_betas[1] is 2"],
  [
    { trained_betas: [0.1] },
    "trained_betas is 1 values, expected num_train_timesteps 1000",
  ],
];

Deno.test("parseSchedulerConfig() names file, key, found and expected", () => {
  for (const [json, message] of refusals) {
    const error = assertThrows(
      () => parseSchedulerConfig(json, "a.json"),
      Error,
      message,
    );
    assertEquals(
      error.message.startsWith("Cannot parse scheduler config a.json: "),
      true,
    );
  }
  assertThrows(() => parseSchedulerConfig([], "a.json"), TypeError, "a.json");
});

Deno.test("readSchedulerConfig() takes bare infinities, and only those", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(
      path,
      '{"lambda_min_clipped": -Infinity, "note": "Infinity", "steps_offset": 1}',
    );
    assertEquals((await readSchedulerConfig(path)).stepsOffset, 1);
    await Deno.writeTextFile(path, "{nope");
    await assertRejects(() => readSchedulerConfig(path), TypeError, path);
  } finally {
    await Deno.remove(path);
  }
});
