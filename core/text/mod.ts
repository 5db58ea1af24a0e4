/** TODO core/text */
export { loadTokenizer, TextTokenizer } from "./tokenizer.ts";
