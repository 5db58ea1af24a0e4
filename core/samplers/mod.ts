/** Samplers: from a diffusers scheduler config to steps on latents. */
export * from "./schedulers/ddim.ts";
export * from "./schedulers/ddpm.ts";
export * from "./schedulers/dpm_solver.ts";
export * from "./schedulers/euler.ts";
export * from "./schedulers/lcm.ts";
export * from "./make_sampler.ts";
export * from "./schedule/noise_schedule.ts";
export * from "./schedulers/pndm.ts";
export * from "./sampler.ts";
export * from "./sampler_state.ts";
export * from "./schedule/scheduler_config.ts";
export * from "./schedule/timesteps.ts";
