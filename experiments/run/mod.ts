/** TODO experiments/run */
export { runExperiment, type RunOptions } from "./runner.ts";
