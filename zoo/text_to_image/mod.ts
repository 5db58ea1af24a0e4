/** `sd-shapes` and `mmdit-shapes`, latent diffusion models that draw a prompt's scene, and their autoencoder and text towers: the training task of each, and the writer of its folder. */
export { mmditShapes, writeMmditShapes } from "./mmdit_shapes.ts";
export { scenesClip, writeScenesClip } from "./scenes_clip.ts";
export { scenesVae, writeScenesVae } from "./scenes_vae.ts";
export { sdShapes, writeSdShapes } from "./sd_shapes.ts";
