/**
 * Experiments as plain data: {@linkcode runExperiment} prunes, samples, measures
 * and times the methods of an experiment, and writes a folder with its table and
 * report; {@linkcode readResults} reads the numbers of any run.
 *
 * @example The numbers of a run that the documents show
 * ```ts
 * import { readResults } from "@dip-go/experiments";
 * import { assertEquals } from "@std/assert";
 *
 * const { rows, samples } = await readResults("docs/quickstart/results.json");
 * const [full] = rows;
 * assertEquals([full.method, full.macsSpeedup, samples], ["full", 1, 64]);
 * ```
 *
 * @module
 */
export { readResults, type Results } from "@dip-go/eval/tables";
export { type Provenance, provenanceOf } from "./results/provenance.ts";
export {
  type FinishedRun,
  runExperiment,
  type RunOptions,
} from "./run/runner.ts";
export { experimentNamed } from "./schema/catalogue.ts";
export type { Experiment, ExperimentInput } from "./schema/experiment.ts";
