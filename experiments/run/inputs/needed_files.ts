/** The files that an experiment reads: here, on the hub, or missing and to be fetched first. */
import { isModelName, parseDataSetFile } from "@dip-go/core/hub";
import { alignedLines } from "@dip-go/eval/tables";
import type { Experiment } from "../../schema/experiment.ts";
import { metricPaths, type MetricRecord } from "../../schema/metric_records.ts";

/** One file or folder. */
export interface NeededFile {
  /** The experiment's value that names it, as in `metrics[2].weights`. */
  readonly field: string;
  /** The path or name in the experiment. */
  readonly path: string;
  /** The file's use, in words. */
  readonly use: string;
  /** Whether the path is a name on the hub, which gives the file if it is not here. */
  readonly isOnHub: boolean;
}

function metricFilesOf(metrics: readonly MetricRecord[]): NeededFile[] {
  return metrics.flatMap((record, i) =>
    metricPaths(record).map(([field, path]) => ({
      field: `metrics[${i}].${field}`,
      path,
      use: `${field} of ${record.kind}`,
      isOnHub: field === "model" && isModelName(path),
    }))
  );
}

/** All files that an experiment names. */
export function neededFiles(
  { model, prompts, metrics }: Pick<
    Experiment,
    "model" | "prompts" | "metrics"
  >,
): NeededFile[] {
  const lists = Object.entries(prompts ?? {}).map(([use, path]) => ({
    field: `prompts.${use}`,
    path,
    use: `prompts of ${use}`,
    isOnHub: parseDataSetFile(path) !== null,
  }));
  return [
    { field: "model", path: model, use: "model", isOnHub: isModelName(model) },
    ...lists,
    ...metricFilesOf(metrics),
  ];
}

const isThere = (path: string): Promise<boolean> =>
  Deno.stat(path).then(() => true, () => false);

/** Whether everything that an experiment names is on this machine. */
export async function areAllHere(experiment: Experiment): Promise<boolean> {
  const files = neededFiles(experiment).map(({ path }) => isThere(path));
  return (await Promise.all(files)).every(Boolean);
}

/** A line for each different file: its path, its uses, and where it is. */
export async function fileLines(
  experiments: readonly Experiment[],
): Promise<string[]> {
  const files = experiments.flatMap(neededFiles);
  const rows = [["file", "for", "where"]];
  for (const [path, own] of Map.groupBy(files, ({ path }) => path)) {
    const uses = new Set(own.map(({ use }) => use));
    const [{ isOnHub }] = own;
    const where = await isThere(path) ? "here" : isOnHub ? "hub" : "missing";
    rows.push([path, [...uses].join(", "), where]);
  }
  return alignedLines(rows, { left: 3 });
}

/**
 * Checks before any work that the files of metrics exist.
 *
 * @throws {RangeError} If a file does not exist and is no name on the hub; the message names the record's field.
 */
export async function checkMetricFiles(
  { name, metrics }: Pick<Experiment, "name" | "metrics">,
): Promise<void> {
  for (const { field, path, isOnHub } of metricFilesOf(metrics)) {
    if (isOnHub || await isThere(path)) continue;
    throw new RangeError(
      `Cannot run experiment ${name}: ${field} is ${
        JSON.stringify(path)
      }, expected a file or folder that exists`,
    );
  }
}
