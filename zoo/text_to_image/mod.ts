/** `sd-shapes`, a latent diffusion model that draws a scene of a prompt, with the autoencoder and the text encoder that it stands on: each one's configuration, training task and folder. */
export { mmditShapes, writeMmditShapes } from "./mmdit_shapes.ts";
export { scenesClip, writeScenesClip } from "./scenes_clip.ts";
export { scenesVae, writeScenesVae } from "./scenes_vae.ts";
export { sdShapes, writeSdShapes } from "./sd_shapes.ts";
