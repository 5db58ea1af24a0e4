/**
 * Runs an experiment: fit a plan for every method and sparsity, sample the
 * evaluation pairs, compare with the full model, then measure speed. Each step
 * is kept in the run's folder, so a run that is killed goes on where it was.
 */
import type { Device } from "../core/runtime/session.ts";
import type { Tensor } from "../core/tensor.ts";
import { interleave, type Latency } from "../eval/latency.ts";
import type { Results } from "../eval/results.ts";
import { type Bench, openBench } from "./bench.ts";
import {
  type EvaluationPair,
  evaluationPairs,
  openBatchSampler,
  sampleImages,
} from "./evaluate.ts";
import { checkExperiment, type Experiment } from "./experiment.ts";
import {
  type FinishedRow,
  type MeasuredRow,
  type RowLatency,
  type RowMetrics,
  rowName,
} from "./measured_row.ts";
import type {
  FittedPlan,
  Method,
  MethodContext,
  SampledPlan,
} from "./method.ts";
import { checkMetricFiles, Meters } from "./meters.ts";
import { methodNamed } from "./methods.ts";
import { planFile, planOf } from "./plan_file.ts";
import { type Outcome, Progress } from "./progress.ts";
import type { Provenance } from "./provenance.ts";
import { writeReport } from "./report.ts";
import { inputHash, openRunFolder, type RunFolder } from "./run_folder.ts";
import { summarise } from "./summarise.ts";

/** What does not change a number, apart from the device's rounding. */
export interface RunOptions {
  readonly device: Device;
  /** Folder of all experiments' runs. */
  readonly root: string;
  readonly provenance: Provenance;
  /** Takes a line of progress. */
  readonly log: (line: string) => void;
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

/** One method at one sparsity. */
export interface PlannedRow {
  readonly method: Method;
  readonly sparsity: number;
}

/** The rows of an experiment, by sparsity, then in the order of its methods. */
export function plannedRows(
  { sparsity, methods }: Experiment,
): PlannedRow[] {
  return sparsity.flatMap((sparsity) =>
    methods.map((name) => ({ method: methodNamed(name), sparsity }))
  );
}

/** What a method calls back while it searches. */
type ContextCalls = Pick<MethodContext, "progress" | "once" | "checkpoint">;

/**
 * Fits one row's plan, whichever rows were fitted before.
 *
 * @throws {RangeError} If the plan exceeds the budget.
 */
export async function fitRow(
  bench: Bench,
  { method, sparsity }: PlannedRow,
  calls: ContextCalls,
): Promise<FittedPlan> {
  const { search, sampler, seed, sparsity: targets } = bench.experiment;
  const { batch: images } = search;
  const runner = bench.runner({ images, steps: sampler.steps });
  const context: MethodContext = {
    net: runner.net,
    runner,
    setup: bench.setup(sampler.steps),
    decode: bench.decode,
    calls: (steps) => bench.calls(steps),
    search,
    sparsity: targets,
    form: () => bench.form(),
    calibration: () => bench.calibration(),
    seed,
    ...calls,
  };
  const budget = bench.budget(sparsity);
  const fitted = await method.fit(context, images * budget);
  if (fitted.kind !== "none" && bench.macs(fitted) > budget) {
    throw new RangeError(
      `Cannot use the plan of ${method.name} at sparsity ${sparsity}: it takes ${
        bench.macs(fitted)
      } MACs, the budget is ${budget}`,
    );
  }
  return fitted;
}

/** One run's work: first `evaluate`, then `measure`. */
class Run {
  readonly images = new Map<string, Tensor<"float32">>();
  readonly notes: string[] = [];
  /** Of the full model, what needs no other to compare with. */
  fullMetrics: RowMetrics = {};
  readonly #pairs: readonly EvaluationPair[];

  constructor(
    private readonly bench: Bench,
    private readonly meters: Meters,
    private readonly folder: RunFolder,
    private readonly options: RunOptions,
  ) {
    this.#pairs = evaluationPairs(bench);
  }

  /** Fits, samples and scores every row. */
  async evaluate(): Promise<Omit<FinishedRow, "latencies">[]> {
    const planned = plannedRows(this.bench.experiment);
    const progress = this.#progress("evaluate", planned.length + 1);
    const rows: Omit<FinishedRow, "latencies">[] = [];
    await progress.part("full", async () => {
      const outcome = await this.#sample("full", this.#fullPlan());
      this.fullMetrics = await this.#metrics("full");
      return outcome;
    });
    for (const each of planned) {
      const name = rowName(each.method.name, each.sparsity);
      await progress.part(name, async () => {
        const fitted = await this.#fit(each, progress);
        if (fitted.kind === "none") {
          this.notes.push(
            `${each.method.name} at sparsity ${each.sparsity} is left out: ${fitted.note}.`,
          );
          return "left out";
        }
        const outcome = await this.#sample(name, fitted);
        rows.push({ fitted, row: await this.#score(each, fitted) });
        return outcome;
      });
    }
    return rows;
  }

  /** Times the rows of each sparsity in turns with the full model. */
  async measure(
    rows: readonly Omit<FinishedRow, "latencies">[],
  ): Promise<FinishedRow[]> {
    const { batches } = this.bench.experiment.latency;
    const groups = [...Map.groupBy(rows, ({ row }) => row.sparsity)];
    const progress = this.#progress("latency", groups.length * batches.length);
    const finished: FinishedRow[] = [];
    for (const [sparsity, group] of groups) {
      const latencies = group.map((): RowLatency[] => []);
      for (const batch of batches) {
        const name = `${sparsity}-b${batch}`;
        const file = `latency/${name}.json`;
        await progress.part(name, async () => {
          const kept = await this.folder.has(file);
          const times = await this.folder.json(
            file,
            () => this.#latencies(group, batch),
          );
          group.forEach(({ row }, i) =>
            latencies[i].push({
              batch,
              fullMs: times.full,
              rowMs: times[row.method],
            })
          );
          return kept ? "kept" : "done";
        });
      }
      group.forEach((row, i) =>
        finished.push({ ...row, latencies: latencies[i] })
      );
    }
    return finished;
  }

  #progress(phase: string, total: number): Progress {
    return new Progress(phase, total, this.options.log);
  }

  #fullPlan(): SampledPlan {
    return { kind: "steps", steps: this.bench.experiment.sampler.steps };
  }

  async #fit(row: PlannedRow, progress: Progress): Promise<FittedPlan> {
    const name = rowName(row.method.name, row.sparsity);
    const file = `plans/${name}.json`;
    const fit = () =>
      fitRow(this.bench, row, {
        progress: (done, total) => progress.within(name, { done, total }),
        once: (search, make) =>
          this.folder.json(`searches/${search}.json`, make),
        checkpoint: (search) =>
          `${this.folder.path}/searches/${search}.safetensors`,
      });
    const make = async () => planFile(this.bench, await fit());
    return planOf(await this.folder.json(file, make), file);
  }

  async #sample(name: string, fitted: SampledPlan): Promise<Outcome> {
    const file = `samples/${name}.safetensors`;
    const kept = await this.folder.has(file);
    const make = () => sampleImages(this.bench, fitted, this.#pairs);
    this.images.set(name, await this.folder.images(file, make));
    return kept ? "kept" : "done";
  }

  #score(
    { method, sparsity }: PlannedRow,
    fitted: SampledPlan,
  ): Promise<MeasuredRow> {
    const name = rowName(method.name, sparsity);
    const { commit } = this.options.provenance;
    return this.folder.json(`rows/${name}.json`, async () => ({
      method: method.name,
      sparsity,
      macs: this.bench.macs(fitted),
      metrics: await this.#metrics(name),
      ...commit ? { commit } : {},
    }));
  }

  #metrics(name: string): Promise<RowMetrics> {
    const [images, full] = [name, "full"].map((key) => this.images.get(key)!);
    const subjects = this.#pairs.map(({ subject }) => subject);
    return this.meters.measure({
      images,
      subjects,
      full: name === "full" ? undefined : full,
    });
  }

  /** Median milliseconds of the full model and of each method, by name. */
  async #latencies(
    group: readonly Omit<FinishedRow, "latencies">[],
    batch: number,
  ): Promise<Record<string, number>> {
    const pairs = Array.from(
      { length: batch },
      (_, i) => this.#pairs[i % this.#pairs.length],
    );
    const plans = [
      ["full", this.#fullPlan()] as const,
      ...group.map(({ row, fitted }) => [row.method, fitted] as const),
    ];
    await using opened = new AsyncDisposableStack();
    const samplers: Record<string, () => Promise<unknown>> = {};
    for (const [name, plan] of plans) {
      const sampler = await openBatchSampler(this.bench, plan, batch);
      opened.use(sampler);
      const inputs = await sampler.inputsOf(pairs);
      samplers[name] = () => sampler.sample(inputs);
    }
    const { rounds } = this.bench.experiment.latency;
    const measured: Record<string, Latency> = await interleave(samplers, {
      rounds,
    });
    return Object.fromEntries(
      Object.entries(measured).map(([name, { median }]) => [name, median]),
    );
  }
}

/**
 * Runs an experiment, or what is left of it.
 *
 * @throws {RangeError} If a value of the experiment is out of range, a plan exceeds its budget, or the model's files change meanwhile.
 */
export async function runExperiment(
  experiment: Experiment,
  options: RunOptions,
): Promise<FinishedRun> {
  checkExperiment(experiment);
  await checkMetricFiles(experiment);
  const { device, root, provenance } = options;
  await using bench = await openBench(experiment, { device });
  await using meters = new Meters(experiment.metrics, { device });
  const hash = await inputHash(experiment);
  const identity = { experiment, device, inputHash: hash };
  const folder = await openRunFolder(root, identity);
  const run = new Run(bench, meters, folder, options);
  const rows = await run.measure(await run.evaluate());
  if (await inputHash(experiment) !== hash) {
    throw new RangeError(
      `Cannot finish ${folder.path}: the files of ${experiment.model}, its prompts or what its metrics read changed during the run; run it again`,
    );
  }
  const { denseMacs } = bench;
  const { name: sampler } = bench.sampler(experiment.sampler.steps);
  const { fullMetrics } = run;
  const measured = {
    experiment,
    sampler,
    denseMacs,
    fullMetrics,
    rows,
    provenance,
  };
  const results = summarise(measured);
  const { images, notes } = run;
  const content = { results, rows, notes, images };
  const files = await writeReport(folder, bench, content);
  return { folder: folder.path, files, results, notes };
}
