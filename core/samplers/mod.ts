/** Samplers: from a diffusers scheduler config to steps on latents. */
export * from "./ddim.ts";
export * from "./ddpm.ts";
export * from "./dpm_solver.ts";
export * from "./euler.ts";
export * from "./lcm.ts";
export * from "./make_sampler.ts";
export * from "./noise_schedule.ts";
export * from "./pndm.ts";
export * from "./sampler.ts";
export * from "./sampler_state.ts";
export * from "./scheduler_config.ts";
export * from "./timesteps.ts";
