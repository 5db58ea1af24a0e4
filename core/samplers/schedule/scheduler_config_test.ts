import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ddimConfig } from "../schedulers/discrete/ddim.ts";
import { ddpmConfig } from "../schedulers/discrete/ddpm.ts";
import { dpmSolverConfig } from "../schedulers/exponential/dpm_solver.ts";
import { eulerConfig } from "../schedulers/sigma/euler.ts";
import { lcmConfig } from "../schedulers/consistency/lcm.ts";
import { pndmConfig } from "../schedulers/discrete/pndm.ts";
import {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "./scheduler_config.ts";

const noise = {
  numTrainTimesteps: 1000,
  betaStart: 0.0001,
  betaEnd: 0.02,
  betaSchedule: "linear",
  trainedBetas: undefined,
  rescaleBetasZeroSnr: false,
  predictionType: "epsilon",
};
const leading = { timestepSpacing: "leading", stepsOffset: 0 };
const sigmas = { hasKarrasSigmas: false, finalSigmas: "zero" };

Deno.test("each scheduler's config fills in its class's defaults and ignores unknown keys", () => {
  const silent = parseSchedulerConfig({
    _class_name: "PNDMScheduler",
    skip_prk_steps: true,
    trained_betas: null,
    no_such_key: 1,
  }, "test");
  assertEquals(ddimConfig(silent), {
    ...noise,
    ...leading,
    clipLimit: 1,
    setAlphaToOne: true,
  });
  assertEquals(ddpmConfig(silent), {
    ...noise,
    ...leading,
    clipLimit: 1,
    hasLargeVariance: false,
  });
  assertEquals(pndmConfig(silent), {
    ...noise,
    ...leading,
    setAlphaToOne: false,
  });
  assertEquals(dpmSolverConfig(silent), {
    ...noise,
    ...sigmas,
    timestepSpacing: "linspace",
    stepsOffset: 0,
    solverOrder: 2,
    usesHeun: false,
    lowerOrderFinal: true,
    eulerAtFinal: false,
    lambdaMinClipped: -Infinity,
  });
  assertEquals(eulerConfig(silent), {
    ...noise,
    ...sigmas,
    timestepSpacing: "linspace",
    stepsOffset: 0,
    sigmaMin: undefined,
    sigmaMax: undefined,
  });
  assertEquals(lcmConfig(silent), {
    ...noise,
    clipLimit: undefined,
    originalInferenceSteps: 50,
    timestepScaling: 10,
  });
});

const everyClass = [
  ddimConfig,
  ddpmConfig,
  dpmSolverConfig,
  eulerConfig,
  lcmConfig,
  pndmConfig,
];

/** What is refused, the end of the message, and by whom. */
const refusals: [
  Record<string, unknown>,
  string,
  readonly typeof everyClass[number][],
][] = [
  [{ beta_schedule: "sigmoid" }, 'is "sigmoid", expected one of', everyClass],
  [{ prediction_type: "flow" }, 'is "flow"', everyClass],
  [{ timestep_spacing: 3 }, "is 3", [ddimConfig, eulerConfig]],
  [{ num_train_timesteps: 0 }, "is 0", everyClass],
  [
    { num_train_timesteps: "1000" },
    'is "1000", expected a number',
    everyClass,
  ],
  [{ steps_offset: -1 }, "is -1", [ddpmConfig, pndmConfig]],
  [{ beta_start: "-Infinity" }, 'is "-Infinity"', everyClass],
  [{ beta_start: 0.5 }, "is 0.5, expected at most beta_end 0.02", everyClass],
  [{ clip_sample: 1 }, "is 1, expected true or false", [ddimConfig, lcmConfig]],
  [{ clip_sample_range: 0 }, "is 0", [ddimConfig, ddpmConfig, lcmConfig]],
  [{ _class_name: 7 }, "is 7, expected a string", [pndmConfig]],
  [{ solver_order: 0 }, "is 0", [dpmSolverConfig]],
  [{ final_sigmas_type: "one" }, 'is "one"', [dpmSolverConfig, eulerConfig]],
  [{ use_karras_sigmas: "yes" }, 'is "yes"', [dpmSolverConfig, eulerConfig]],
  [{ lambda_min_clipped: "NaN" }, 'is "NaN"', [dpmSolverConfig]],
  [{ lambda_min_clipped: "low" }, 'is "low"', [dpmSolverConfig]],
  [{ beta_start: "Infinity" }, 'is "Infinity"', everyClass],
  [{ trained_betas: 0.1 }, "is 0.1, expected a list", everyClass],
  [{ trained_betas: [0.1, 2], num_train_timesteps: 2 }, "[0.1,2]", everyClass],
  [{ trained_betas: [0.1] }, "is [0.1], expected 1000 numbers", everyClass],
];

Deno.test("each scheduler's config names file, key, found and expected", () => {
  for (const [json, message, readers] of refusals) {
    const [key] = Object.keys(json);
    for (const reader of readers) {
      const error = assertThrows(
        () => reader(parseSchedulerConfig(json, "a.json")),
        Error,
        message,
      );
      const start = `Cannot read config a.json: key "${key}" `;
      assert(error.message.startsWith(start), error.message);
    }
  }
  assertThrows(() => parseSchedulerConfig([], "a.json"), TypeError, "a.json");
});

Deno.test("readSchedulerConfig() takes the bare -Infinity, Infinity and NaN that Python writes", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const read = async (text: string) => {
    await Deno.writeTextFile(path, text);
    return dpmSolverConfig(await readSchedulerConfig(path));
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
      '"lambda_min_clipped" is "NaN"',
    );
    await assertRejects(() => read("{nope"), TypeError, path);
    await assertRejects(() => read('{"a": Infinit}'), TypeError, path);
  } finally {
    await Deno.remove(path);
  }
});
