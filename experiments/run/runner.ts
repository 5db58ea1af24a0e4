/**
 * Runs an experiment: makes its steps, which are kept for all runs, times the rows
 * when all else is done, and writes the run's folder from the steps' values.
 */
import {
  checkPrecision,
  type Device,
  type Precision,
} from "@dip-go/core/runtime";
import type { Results } from "@dip-go/eval/tables";
import { checkExperiment, type ExperimentInput } from "../schema/experiment.ts";
import {
  allTargets,
  type ExperimentSteps,
  experimentSteps,
  sampleTargets,
} from "./steps/experiment_steps.ts";
import {
  finishedRows,
  metricsOf,
  notesOf,
  rowLine,
} from "./steps/finished_rows.ts";
import { inputHashes, unreadInputs } from "./inputs/input_hashes.ts";
import { areAllHere, checkMetricFiles } from "./inputs/needed_files.ts";
import { localExecutor } from "../engine/executors/local_executor.ts";
import { Progress, type ProgressOutput } from "../engine/progress.ts";
import { type Share, shareOf } from "../engine/share.ts";
import { sortedJson, type Step } from "../engine/step.ts";
import type { Executor } from "../engine/step_graph.ts";
import { stepsFile } from "../engine/store/store_contents.ts";
import type { MeasuredRow } from "../results/measured_row.ts";
import type { Provenance } from "../results/provenance.ts";
import { writeReport } from "../results/report.ts";
import { openRunFolder, type RunPart } from "../results/run_folder.ts";
import { summarise } from "../results/summarise.ts";
import { writeValues } from "../results/write_values.ts";
import { type PlannedRun, writeGraph } from "./run_graph.ts";
import {
  openStepTools,
  type StepToolOptions,
  type StepTools,
} from "./steps/step_tools.ts";

/** Options that change no number, apart from rounding. */
export interface RunOptions extends ProgressOutput {
  readonly device: Device;
  /** The precision in which the full model and SubNets are sampled and timed; float32 by default. */
  readonly precision?: Precision;
  /** Folder of all experiments' runs. */
  readonly root: string;
  readonly provenance: Provenance;
  /** The number of processes that fit, sample and measure, each with its share of the cores; 1 by default. */
  readonly jobs?: number;
  /** Whether times may be taken while other programs keep the machine busy; they may not by default. */
  readonly busyOk?: boolean;
  /** Whether rows that have times are timed again. */
  readonly measureAgain?: boolean;
}

/** The folder and results of a finished run. */
export interface FinishedRun {
  /** Path of the run's folder. */
  readonly folder: string;
  /** Names of the files to look at first. */
  readonly files: readonly string[];
  readonly results: Results;
  /** The reasons why rows are missing, a sentence each. */
  readonly notes: readonly string[];
}

/** The finished run of one experiment, with its rows before they were summarised. */
export interface ExperimentRun extends FinishedRun {
  readonly measured: readonly MeasuredRow[];
}

/**
 * Runs an experiment; steps that were made before are read from the store.
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
 *   busyOk: true,
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
): Promise<ExperimentRun> {
  const progress = new Progress(options);
  await using tools = await openStepTools(
    await partOf(given, options),
    progress,
  );
  const steps = experimentSteps(tools);
  await rehearse(tools, steps);
  for (const row of steps.rows) {
    progress.whenMade(row.metrics, () => rowLine(tools, row));
  }
  if (options.measureAgain) {
    for (const { step } of steps.latencies) await tools.store.remove(step);
  }
  await makeTargets(tools, allTargets(steps), { ...options, progress });
  return await writeRun(tools, steps);
}

/** Tries the networks of metrics, unless all of their values are there. */
async function rehearse(
  { store, meters, counted }: StepTools,
  { full, rows }: ExperimentSteps,
): Promise<void> {
  const measured = [full, ...rows].flatMap(({ metrics }) => metrics);
  const made = await Promise.all(measured.map((step) => store.has(step)));
  if (!made.every(Boolean)) await meters.rehearse(counted.full.size);
}

/** Writes a run's folder from the values of its steps. */
async function writeRun(
  tools: StepTools,
  steps: ExperimentSteps,
): Promise<ExperimentRun> {
  const { store, identity, provenance } = tools;
  const { experiment, precision } = identity;
  const bench = await tools.bench();
  const rows = await finishedRows(tools, steps);
  const folder = await openRunFolder(store.root, identity);
  const images = await writeValues(folder, tools, { steps, rows });
  const { metrics: fullMetrics } = await metricsOf(store, steps.full.metrics);
  const results = summarise({
    experiment,
    sampler: bench.full.sampler.name,
    denseMacs: bench.denseMacs,
    fullMetrics,
    rows,
    provenance,
    precision,
  });
  const notes = await notesOf(store, steps.rows);
  const content = { results, rows, notes, images };
  const files = await writeReport(folder, bench, content);
  await folder.writeJson(stepsFile, store.asked);
  const measured = rows.map(({ row }) => row);
  return { folder: folder.path, files, results, notes, measured };
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
  const progress = new Progress(options);
  await using tools = await openStepTools(
    await partOf(experiment, options),
    progress,
  );
  const targets = shareOf(sampleTargets(experimentSteps(tools)), share);
  await makeTargets(tools, targets, { ...options, progress });
}

/** Makes the targets of a run. @throws {RangeError} If the experiment's files changed since the run began. */
async function makeTargets(
  { part, store }: StepTools,
  targets: readonly Step[],
  { jobs = 1, progress }: Pick<RunOptions, "jobs"> & { progress: Progress },
): Promise<void> {
  const { root, identity: { experiment, inputs } } = part;
  const graph = await writeGraph(experiment.name, [{ part, targets }]);
  await localExecutor({ store, progress }, { jobs })(graph);
  const now = await inputHashes(experiment);
  if (sortedJson(now) === sortedJson(inputs)) return;
  throw new RangeError(
    `Cannot finish ${experiment.name}: the files of ${experiment.model}, its prompts or what its metrics read changed during the run, whose steps may be of either; delete ${root}/.steps and run it again`,
  );
}

/**
 * Hands the steps of some experiments' runs to an executor, all as one graph.
 *
 * @param name The name of the experiment or study.
 */
export async function handOver(
  name: string,
  parts: readonly RunPart[],
  { executor, log }: StepToolOptions & { readonly executor: Executor },
): Promise<void> {
  const runs: PlannedRun[] = [];
  for (const part of parts) {
    await using tools = await openStepTools(part, { log });
    runs.push({ part, targets: allTargets(experimentSteps(tools)) });
  }
  await executor(await writeGraph(name, runs));
}

/**
 * The data of a run that is only counted: names stand for all hashes if a file is not here.
 *
 * @throws {RangeError} If a value of the experiment is out of range.
 */
export async function plannedPart(
  given: ExperimentInput,
  { root, provenance, device, precision = "float32" }: RunOptions,
): Promise<RunPart> {
  const experiment = checkExperiment(given);
  const inputs = await areAllHere(experiment)
    ? await inputHashes(experiment)
    : unreadInputs(experiment);
  return {
    root,
    provenance,
    identity: { experiment, device, precision, inputs },
  };
}

/**
 * The data of a run that its processes read.
 *
 * @throws As {@linkcode runExperiment}, before it makes anything.
 */
export async function partOf(
  given: ExperimentInput,
  { root, provenance, busyOk = false, device, precision = "float32" }:
    RunOptions,
): Promise<RunPart> {
  const experiment = checkExperiment(given);
  await checkMetricFiles(experiment);
  const task = `run experiment ${experiment.name}`;
  await checkPrecision({ device, precision }, task);
  const inputs = await inputHashes(experiment);
  const identity = { experiment, device, precision, inputs };
  return { root, provenance, identity, busyOk };
}
