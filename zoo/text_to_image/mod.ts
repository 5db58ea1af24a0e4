/** TODO zoo/text_to_image */
export { scenesClip, writeScenesClip } from "./scenes_clip.ts";
export { scenesVae, writeScenesVae } from "./scenes_vae.ts";
export { sdShapes, writeSdShapes } from "./sd_shapes.ts";
