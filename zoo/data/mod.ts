/** The data of the embedded models, drawn by arithmetic alone: shapes and scenes as pictures, and the words that describe them. */
export { referencePictures } from "./reference_pictures.ts";
export { pictureSize, renderBatch } from "./render.ts";
export { kindsNamed } from "./scene_prompts.ts";
export { encodeCaption } from "./scene_tokenizer.ts";
export { vocabulary } from "./scenes.ts";
export { classNames, colours, shapes } from "./shapes.ts";
export { SplitMix32 } from "./uniform.ts";
