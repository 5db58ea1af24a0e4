/** Samplers: from a diffusers scheduler config to steps on latents. */
export * from "./ddim.ts";
export * from "./noise_schedule.ts";
export * from "./sampler.ts";
export * from "./scheduler_config.ts";
export * from "./timesteps.ts";
