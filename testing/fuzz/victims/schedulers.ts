/** Configurations of every class of schedulers. */
import { makeSampler, readSchedulerConfig } from "@dip-go/core/samplers";
import { configs, type Victim } from "./victim.ts";

const common = {
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
};

/** Scheduler classes of diffusers, each with keys that lead into branches of its code. */
const classes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  DDIMScheduler: { ...common, clip_sample: false, thresholding: true },
  DDPMScheduler: { ...common, timestep_spacing: "trailing" },
  PNDMScheduler: { ...common, skip_prk_steps: true },
  DPMSolverMultistepScheduler: { ...common, use_karras_sigmas: true },
  DPMSolverSinglestepScheduler: { ...common, solver_order: 3 },
  UniPCMultistepScheduler: { ...common, solver_type: "bh2" },
  DEISMultistepScheduler: { ...common, use_exponential_sigmas: true },
  EulerDiscreteScheduler: { ...common, use_beta_sigmas: true },
  EulerAncestralDiscreteScheduler: common,
  HeunDiscreteScheduler: common,
  LMSDiscreteScheduler: common,
  KDPM2DiscreteScheduler: common,
  LCMScheduler: { ...common, original_inference_steps: 50 },
  TCDScheduler: { ...common, original_inference_steps: 50 },
  FlowMatchEulerDiscreteScheduler: { shift: 3 },
};

const scheduler = (
  _class_name: string,
  keys: Readonly<Record<string, unknown>>,
): Victim => ({
  prepare: (folder) =>
    Deno.writeTextFile(
      `${folder}/scheduler_config.json`,
      JSON.stringify({ _class_name, ...keys }),
    ),
  async load(folder) {
    const path = `${folder}/scheduler_config.json`;
    makeSampler(await readSchedulerConfig(path), { steps: 7 });
  },
  strict: configs,
});

export const schedulers: Readonly<Record<string, Victim>> = Object.fromEntries(
  Object.entries(classes).map(([name, keys]) => [name, scheduler(name, keys)]),
);
