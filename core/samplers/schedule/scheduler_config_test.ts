import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { makeSampler, samplerKinds } from "../make_sampler.ts";
import { ddimConfig } from "../schedulers/discrete/ddim.ts";
import { dpmSolverConfig } from "../schedulers/exponential/dpm_solver.ts";
import { eulerConfig } from "../schedulers/sigma/euler.ts";
import { heunConfig } from "../schedulers/sigma/heun.ts";
import { lcmConfig } from "../schedulers/consistency/lcm.ts";
import { pndmConfig } from "../schedulers/discrete/pndm.ts";
import {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "./read_scheduler_config.ts";

const noise = {
  numTrainTimesteps: 1000,
  betaStart: 0.0001,
  betaEnd: 0.02,
  betaSchedule: "linear",
  trainedBetas: undefined,
  rescaleBetasZeroSnr: false,
  predictionType: "epsilon",
};
const stableDiffusion = { ...noise, betaStart: 0.00085, betaEnd: 0.012 };
const leading = { timestepSpacing: "leading", stepsOffset: 0 };
const linspace = { timestepSpacing: "linspace", stepsOffset: 0 };
const sigmas = { spacing: undefined, sigmaMin: undefined, sigmaMax: undefined };

Deno.test("each scheduler's config fills in its class's defaults", () => {
  const silent = parseSchedulerConfig({
    _class_name: "DDIMScheduler",
    _diffusers_version: "0.42.1",
    trained_betas: null,
    solver_p: null,
  }, "test");
  assertEquals(ddimConfig(silent), {
    ...noise,
    ...leading,
    bounds: { limit: 1 },
    setAlphaToOne: true,
  });
  assertEquals(pndmConfig(silent), {
    ...noise,
    ...leading,
    setAlphaToOne: false,
    skipsWarmUp: true,
  });
  assertEquals(dpmSolverConfig(silent), {
    ...noise,
    ...linspace,
    ...sigmas,
    flow: null,
    bounds: undefined,
    algorithm: "dpmsolver++",
    end: "zero",
    solverOrder: 2,
    isMidpoint: true,
    lambdaMinClipped: undefined,
    cutsCosine: true,
    lowerOrderFinal: true,
    eulerAtFinal: false,
  });
  assertEquals(eulerConfig(silent), {
    ...noise,
    ...linspace,
    ...sigmas,
    isLogLinear: false,
    isContinuous: false,
    finalSigmas: "zero",
  });
  assertEquals(heunConfig(silent), {
    ...stableDiffusion,
    ...linspace,
    ...sigmas,
    bounds: undefined,
  });
  assertEquals(lcmConfig(silent), {
    ...stableDiffusion,
    betaSchedule: "scaled_linear",
    originalInferenceSteps: 50,
    bounds: undefined,
    timestepScaling: 10,
  });
});

Deno.test("null is no default: diffusers takes it for Python's None", () => {
  const config = parseSchedulerConfig({
    _class_name: "PNDMScheduler",
    clip_sample: null,
    skip_prk_steps: null,
    sigma_min: null,
  }, "test");
  assertEquals(ddimConfig(config).bounds, undefined);
  assertEquals(pndmConfig(config).skipsWarmUp, false);
  assertEquals(eulerConfig(config).sigmaMin, undefined);
});

/** Malformed values, refused whichever class reads them, and a part of the message. */
const malformed: [Record<string, unknown>, string][] = [
  [{ beta_schedule: "cubic" }, 'is "cubic", expected one of'],
  [{ prediction_type: "flow" }, 'is "flow"'],
  [{ timestep_spacing: 3 }, "is 3"],
  [{ timestep_spacing: null }, "is null"],
  [{ num_train_timesteps: 0 }, "is 0"],
  [{ num_train_timesteps: "1000" }, 'is "1000", expected a number'],
  [{ num_train_timesteps: null }, "is null, expected a number"],
  [{ steps_offset: -1 }, "is -1"],
  [{ beta_start: "-Infinity" }, 'is "-Infinity"'],
  [{ beta_start: "Infinity" }, 'is "Infinity"'],
  [{ clip_sample: 1 }, "is 1, expected true or false"],
  [{ clip_sample_range: 0 }, "is 0"],
  [{ _class_name: 7 }, "is 7, expected a string"],
  [{ solver_order: 0 }, "is 0"],
  [{ solver_type: "rk4" }, 'is "rk4"'],
  [{ algorithm_type: "ddim" }, 'is "ddim"'],
  [{ final_sigmas_type: "one" }, 'is "one"'],
  [{ use_karras_sigmas: "yes" }, 'is "yes"'],
  [{ lambda_min_clipped: "NaN" }, 'is "NaN"'],
  [{ lambda_min_clipped: "low" }, 'is "low"'],
  [{ disable_corrector: [0.5] }, "is [0.5], expected a list of numbers"],
  [{ sigma_max: -1 }, "is -1"],
  [{ trained_betas: 0.1 }, "is 0.1, expected a list"],
  [{ trained_betas: [0.1, 2] }, "is [0.1,2], expected a list of numbers"],
  [{ solver_p: {} }, "is {}, expected null"],
  [{ thresholding: "true" }, 'is "true"'],
  [{ predict_epsilon: false }, "is false, expected true"],
  [{ no_such_key: 1 }, "is 1, expected no key of that name"],
];

Deno.test("a config with an unknown key or a malformed value is refused by file, key and value", () => {
  for (const [json, message] of malformed) {
    const [key] = Object.keys(json);
    const error = assertThrows(
      () => parseSchedulerConfig(json, "a.json"),
      Error,
      message,
    );
    const start = `Cannot read config a.json: key "${key}" `;
    assert(error.message.startsWith(start), error.message);
  }
  assertThrows(() => parseSchedulerConfig([], "a.json"), TypeError, "a.json");
});

/** Values that the named kind cannot use. */
const refused: [string, Record<string, unknown>, string][] = [
  ["ddim", { beta_start: 0.5 }, "is 0.5, expected at most beta_end 0.02"],
  ["euler", { trained_betas: [0.1] }, "is [0.1], expected 1000 numbers"],
  ["euler", { beta_schedule: "sigmoid" }, 'is "sigmoid", expected one of'],
  ["pndm", { prediction_type: "sample" }, 'is "sample", expected one of'],
  ["kdpm2", { prediction_type: "sample" }, 'is "sample", expected one of'],
  ["ddpm", { variance_type: "learned" }, 'is "learned"'],
  ["ddpm", { variance_type: "fixed_large_log" }, 'is "fixed_large_log"'],
  ["lcm", { original_inference_steps: 2000 }, "is 2000, expected at most"],
  [
    "heun",
    { use_karras_sigmas: true, use_beta_sigmas: true },
    "expected false beside use_karras_sigmas",
  ],
  ["dpm-solver++", { algorithm_type: "dpmsolver" }, 'is "dpmsolver"'],
  ["dpm-solver++", { algorithm_type: "deis" }, 'is "deis"'],
  ["dpm-solver++", { variance_type: "learned_range" }, "learned_range"],
  [
    "dpm-solver++",
    { use_flow_sigmas: true, use_karras_sigmas: true },
    "is true, expected false beside use_flow_sigmas",
  ],
  ["deis", { use_dynamic_shifting: true }, "false without use_flow_sigmas"],
  ["unipc", { prediction_type: "flow_prediction" }, "flow_prediction"],
  [
    "deis",
    {
      use_flow_sigmas: true,
      use_dynamic_shifting: true,
      time_shift_type: "linear",
    },
    'is "linear", expected exponential',
  ],
  ["dpm-solver++", { solver_order: 4 }, "is 4, expected 1 to 3"],
  [
    "dpm-solver++",
    {
      algorithm_type: "sde-dpmsolver",
      final_sigmas_type: "sigma_min",
      solver_order: 3,
    },
    "is 3, expected 1 or 2",
  ],
  ["deis", { algorithm_type: "sde-dpmsolver++" }, "sde-dpmsolver++"],
  [
    "dpm-solver-singlestep",
    {
      algorithm_type: "dpmsolver",
      final_sigmas_type: "sigma_min",
      thresholding: true,
    },
    "is true, expected false where algorithm_type is dpmsolver",
  ],
  ["unipc", { predict_x0: false }, "has coefficients"],
  ["unipc", { lower_order_final: false }, "has coefficients"],
];

Deno.test("a kind refuses values that its class cannot use, and ignores keys of other classes", () => {
  for (const [kind, json, message] of refused) {
    const config = parseSchedulerConfig(json, "a.json");
    const named = samplerKinds.find((each) => each === kind)!;
    const error = assertThrows(
      () => makeSampler(config, { kind: named, steps: 5 }),
      Error,
      message,
    );
    assert(error.message.includes("a.json"), error.message);
  }
  // Keys of other classes stay in a file that was saved after a change of class; early files have keys of their own.
  const other = {
    ...{ skip_prk_steps: true, use_karras_sigmas: true, shift: 3 },
    ...{ predict_epsilon: true, tensor_format: "pt" },
  };
  assertEquals(
    makeSampler(parseSchedulerConfig(other, "a"), { kind: "ddim", steps: 5 }),
    makeSampler(parseSchedulerConfig({}, "a"), { kind: "ddim", steps: 5 }),
  );
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
        "_commit_hash": "-Infinity, \\"NaN",
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
    await assertRejects(() => read('{"steps_offset": Infinit}'), TypeError);
  } finally {
    await Deno.remove(path);
  }
});
