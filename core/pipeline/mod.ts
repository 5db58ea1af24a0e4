/** TODO core/pipeline */
export {
  type Conditioner,
  openConditioner,
  type Subject,
} from "./conditioner.ts";
export { guide, guidedLabels, guideVjp, twice, twiceVjp } from "./guidance.ts";
export { ownScheduler } from "./own_scheduler.ts";
export {
  type Autoencoder,
  emitPictures,
  loadAutoencoder,
  openPictureDecoder,
  PictureDecoder,
} from "./picture_decoder.ts";
export { openPromptEncoder } from "./open_prompt_encoder.ts";
export type { PromptEncoder, PromptInputs } from "./prompt_encoder.ts";
export { type PromptLists, readPrompts } from "./prompts.ts";
