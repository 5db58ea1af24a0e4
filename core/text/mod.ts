/**
 * Texts as token ids: CLIP's byte pairs and T5's pieces, from a model's
 * `tokenizer/` folder. Independent of models.
 */
export { loadTokenizer, TextTokenizer } from "./tokenizer.ts";
