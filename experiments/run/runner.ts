/**
 * Runs an experiment: makes its steps, which are kept for all runs, times the
 * rows when all else is done, and writes the run's folder from what was made.
 */
import {
  checkPrecision,
  type Device,
  type Precision,
} from "@dip-go/core/runtime";
import type { Results } from "@dip-go/eval/tables";
import { neededBlockTimes } from "./steps/block_times.ts";
import { checkExperiment, type ExperimentInput } from "../schema/experiment.ts";
import { experimentSteps } from "./steps/experiment_steps.ts";
import { finishedRows, metricsOf, notesOf } from "./steps/finished_rows.ts";
import { type InputHashes, inputHashes } from "./inputs/input_hashes.ts";
import { checkMetricFiles } from "./inputs/needed_files.ts";
import { makePart, type ProcessPart } from "./process_part.ts";
import { Progress, type ProgressOutput } from "../engine/progress.ts";
import type { Provenance } from "../results/provenance.ts";
import { shownPairs, writeReport } from "../results/report.ts";
import { openRunFolder, type RunIdentity } from "../results/run_folder.ts";
import type { Share } from "../engine/share.ts";
import { sortedJson } from "../engine/step.ts";
import { StepStore } from "../engine/step_store.ts";
import { stepsFile } from "../engine/store_contents.ts";
import { openStepTools } from "./steps/step_tools.ts";
import { summarise } from "../results/summarise.ts";
import { Workers } from "./workers.ts";
import { writeValues } from "../results/write_values.ts";

/** What does not change a number, apart from rounding. */
export interface RunOptions extends ProgressOutput {
  readonly device: Device;
  /** In which the full model and SubNets are sampled and timed; float32 by default. */
  readonly precision?: Precision;
  /** Folder of all experiments' runs. */
  readonly root: string;
  readonly provenance: Provenance;
  /** Processes that fit, sample and measure at once, each with its share of the cores; 1 by default. */
  readonly jobs?: number;
}

/** What a run left. */
export interface FinishedRun {
  /** Path of the run's folder. */
  readonly folder: string;
  /** Names of the files to look at first. */
  readonly files: readonly string[];
  readonly results: Results;
  /** Why rows are missing, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Runs an experiment, or what is left of it.
 *
 * @throws {RangeError} If a value of the experiment is out of range, a plan exceeds its budget, or the model's files change meanwhile.
 * @throws {TypeError} If the device does not compute in the precision; nothing is made then.
 *
 * @example An embedded model in two steps instead of four
 * ```ts
 * import {
 *   experimentNamed,
 *   provenanceOf,
 *   runExperiment,
 * } from "@dip-go/experiments";
 * import { assertEquals } from "@std/assert";
 *
 * const root = await Deno.makeTempDir();
 * const { results } = await runExperiment({
 *   ...experimentNamed("quickstart"),
 *   name: "half",
 *   sampler: { kind: "ddim", steps: 4, guidanceScale: 2 },
 *   sparsity: [0.5],
 *   methods: ["fewer-steps"],
 *   mainMethod: "fewer-steps",
 *   evaluation: { pairs: 2, seed: 1000, batch: 2 },
 *   latency: { batches: [1], rounds: 1 },
 * }, {
 *   device: "cpu",
 *   root,
 *   provenance: await provenanceOf("an example"),
 *   log: () => {},
 * });
 * const [full, half] = results.rows;
 * assertEquals([full.method, half.macsSpeedup], ["full", 2]);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function runExperiment(
  given: ExperimentInput,
  options: RunOptions,
): Promise<FinishedRun> {
  const identity = await identityOf(given, options);
  const { experiment } = identity;
  const { root, provenance } = options;
  const part = { root, identity, provenance };
  const progress = new Progress(options);
  await makeTogether(part, { ...options, progress });
  await using tools = await openStepTools(part, progress);
  const { bench, store } = tools;
  const steps = experimentSteps(tools);
  const rows = await finishedRows(tools, steps.rows, progress);
  await checkUnchanged(identity, options);
  const folder = await openRunFolder(root, identity);
  const images = await writeValues(folder, tools, {
    steps,
    rows,
    shown: shownPairs,
  });
  const { metrics: fullMetrics } = await metricsOf(store, steps.full.metrics);
  const { name } = bench.sampler(experiment.sampler.steps);
  const { denseMacs } = bench;
  const results = summarise({
    experiment,
    sampler: name,
    denseMacs,
    fullMetrics,
    rows,
    provenance,
    precision: identity.precision,
  });
  const notes = await notesOf(store, steps.rows);
  const content = { results, rows, notes, images };
  const files = await writeReport(folder, bench, content);
  await folder.writeJson(stepsFile, store.asked);
  return { folder: folder.path, files, results, notes };
}

/**
 * Makes a share of an experiment's samples, and the fits that they need; when
 * all shares are made, {@linkcode runExperiment} finds them.
 *
 * @throws As {@linkcode runExperiment}.
 */
export async function runShare(
  experiment: ExperimentInput,
  share: Share,
  options: RunOptions,
): Promise<void> {
  const identity = await identityOf(experiment, options);
  const { root, provenance } = options;
  const progress = new Progress(options);
  const part = { root, identity, provenance, share };
  await makeTogether(part, { ...options, progress });
  await checkUnchanged(identity, options);
}

async function identityOf(
  given: ExperimentInput,
  { device, precision = "float32" }: RunOptions,
): Promise<RunIdentity> {
  const experiment = checkExperiment(given);
  await checkMetricFiles(experiment);
  const task = `run experiment ${experiment.name}`;
  await checkPrecision({ device, precision }, task);
  const inputs = await inputHashes(experiment);
  return { experiment, device, precision, inputs };
}

/** @throws {RangeError} If the experiment's files are not what they were when it began. */
async function checkUnchanged(
  { experiment, inputs }: RunIdentity,
  { root }: RunOptions,
): Promise<void> {
  const now: InputHashes = await inputHashes(experiment);
  if (sortedJson(now) === sortedJson(inputs)) return;
  throw new RangeError(
    `Cannot finish ${experiment.name}: the files of ${experiment.model}, its prompts or what its metrics read changed during the run, whose steps may be of either; delete ${root}/.steps and run it again`,
  );
}

/** This process and `jobs - 1` workers make the steps before latency. */
async function makeTogether(
  part: Omit<ProcessPart, "place" | "threads">,
  { jobs = 1, progress }: RunOptions & { readonly progress: Progress },
): Promise<void> {
  const store = new StepStore(part.root, progress);
  await neededBlockTimes(part, { store, progress }); // with all cores, before others are at work
  const threads = jobs === 1
    ? undefined
    : Math.max(1, Math.floor(navigator.hardwareConcurrency / jobs));
  const parts = Array.from({ length: jobs }, (_, index): ProcessPart => ({
    ...part,
    place: { index, count: jobs },
    threads,
  }));
  await using _workers = new Workers(parts.slice(1), progress.log);
  await makePart(parts[0], progress);
}
