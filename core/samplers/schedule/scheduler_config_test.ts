import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "./scheduler_config.ts";

Deno.test("parseSchedulerConfig() fills in diffusers' defaults and ignores unknown keys", () => {
  const config = parseSchedulerConfig({
    _class_name: "PNDMScheduler",
    skip_prk_steps: true,
    trained_betas: null,
    no_such_key: 1,
  }, "test");
  assertEquals(config, {
    source: "test",
    className: "PNDMScheduler",
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
    sigmaSpacing: undefined,
    finalSigmas: "zero",
    varianceType: undefined,
    skipPrkSteps: true,
    solverOrder: 2,
    solverType: "midpoint",
    algorithmType: "dpmsolver++",
    lowerOrderFinal: true,
    eulerAtFinal: false,
    lambdaMinClipped: -Infinity,
    sigmaMin: undefined,
    sigmaMax: undefined,
    interpolationType: "linear",
    timestepType: "discrete",
    originalInferenceSteps: 50,
    timestepScaling: 10,
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
  [{ _class_name: 7 }, "_class_name is 7, expected a string"],
  [{ solver_order: 0 }, "solver_order is 0"],
  [{ final_sigmas_type: "one" }, "final_sigmas_type is one"],
  [{ use_karras_sigmas: "yes" }, "use_karras_sigmas is yes"],
  [{ lambda_min_clipped: "NaN" }, "lambda_min_clipped is NaN"],
  [{ lambda_min_clipped: "low" }, "lambda_min_clipped is low"],
  [{ beta_start: "Infinity" }, "beta_start is Infinity"],
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

Deno.test("readSchedulerConfig() takes the bare -Infinity, Infinity and NaN that Python writes", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const read = async (text: string) => {
    await Deno.writeTextFile(path, text);
    return await readSchedulerConfig(path);
  };
  try {
    const config = await read(
      `{"_class_name": "DPMSolverMultistepScheduler",
        "lambda_min_clipped": -Infinity, "sigma_max": null,
        "a": Infinity, "b": [NaN, -Infinity], "note": "-Infinity, \\"NaN",
        "steps_offset": 1}`,
    );
    assertEquals([config.lambdaMinClipped, config.stepsOffset], [-Infinity, 1]);
    const clipped = await read('{"lambda_min_clipped": -5.1}');
    assertEquals(clipped.lambdaMinClipped, -5.1);
    const quoted = await read('{"lambda_min_clipped": "-Infinity"}');
    assertEquals(quoted.lambdaMinClipped, -Infinity);
    await assertRejects(
      () => read('{"lambda_min_clipped": NaN}'),
      RangeError,
      "lambda_min_clipped is NaN",
    );
    await assertRejects(() => read("{nope"), TypeError, path);
    await assertRejects(() => read('{"a": Infinit}'), TypeError, path);
  } finally {
    await Deno.remove(path);
  }
});
