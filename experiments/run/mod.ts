/** Runs of experiments: their steps, the processes that make them, and the files that they depend on. */
export { inputHashes } from "./inputs/input_hashes.ts";
export { runExperiment, type RunOptions } from "./runner.ts";
export type { RunIdentity } from "../results/run_folder.ts";
