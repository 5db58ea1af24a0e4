/**
 * Texts as token ids: CLIP's byte pairs and T5's pieces, from a model's
 * `tokenizer/` folder. Knows no models.
 */
export { loadTokenizer, TextTokenizer } from "./tokenizer.ts";
