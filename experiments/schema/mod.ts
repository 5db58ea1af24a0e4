/** TODO experiments/schema */
export type { Experiment } from "./experiment.ts";
