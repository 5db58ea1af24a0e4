/** TODO experiments/measure */
export { inputHashes } from "./input_hashes.ts";
