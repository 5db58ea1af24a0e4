/** TODO experiments/measure */
export { inputHashes } from "../run/inputs/input_hashes.ts";
