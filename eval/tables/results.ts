/**
 * `results.json`: a run's measurements, one row for each method and budget. Tables,
 * charts and reports are made from this file and from nothing else, so that every
 * published number has one home.
 */

import {
  conform,
  finite,
  openRecord,
  readJson,
  writeAtomically,
} from "@dip-go/core/files";
import * as v from "valibot";

const interval = openRecord({
  mean: finite,
  low: finite,
  high: finite,
});

const difference = openRecord({
  method: v.string(),
  difference: finite,
  low: finite,
  high: finite,
  /** Present if the two means are from different samples, such as two runs'. */
  unpaired: v.optional(v.literal(true)),
  /** The ratio of two errors' geometric means with its interval, which decides whether the errors are told apart. */
  ratio: v.optional(interval),
});

const mean = {
  /** Mean over the samples, or the one value of a set metric such as FID. Finite. */
  mean: finite,
  /** The 95 % interval of the mean; absent below 20 samples. */
  low: v.optional(finite),
  high: v.optional(finite),
};

const metricValue = openRecord({
  ...mean,
  /** The number of samples; pictures from the same noise count as one. */
  n: v.optional(finite),
  /** The value than which half of the samples are worse. */
  median: v.optional(finite),
  /** The value than which a tenth of the samples is worse. */
  worstTenth: v.optional(finite),
  /** An error's geometric mean; its interval follows from the logarithms' interval. */
  geometric: v.optional(openRecord(mean)),
  /** Paired difference to another method's row of the same sparsity. */
  versus: v.optional(difference),
  /** The paired difference to the best row of the same run and sparsity; absent in that row. */
  toBest: v.optional(difference),
});

/** A metric; in the file a plain number stands for `{ "mean": … }`. */
const metric = v.lazy((value): v.GenericSchema<unknown, MetricValue> =>
  typeof value === "number"
    ? v.pipe(finite, v.transform((mean) => ({ mean })))
    : metricValue
);

const sampler = openRecord({
  name: v.string(),
  /** T, the steps of the unpruned trajectory. */
  steps: finite,
  guidanceScale: v.optional(finite),
});

const row = openRecord({
  method: v.string(),
  /** The asked fraction of the dense trajectory's MACs to remove, in [0, 1). */
  sparsity: finite,
  /** The multiply-accumulates of one image over the whole trajectory, `total` convention. */
  macs: finite,
  /** The dense trajectory's MACs over this row's. */
  macsSpeedup: finite,
  /** The milliseconds that one image may take, if the budget is a time. */
  targetMs: v.optional(finite),
  /** The median milliseconds for one image; null if not measured. */
  latencyMs: v.nullable(finite),
  /** The dense trajectory's latency over this row's; null if not measured. */
  speedup: v.nullable(finite),
  /** The least and, below, the largest speedup of a round in which both took turns. */
  speedupLow: v.optional(finite),
  speedupHigh: v.optional(finite),
  /**
   * The cost of the method's search for all budgets, by its settings, in pictures
   * by the full sampler, a gradient as `gradientPasses`; 0 if nothing is searched.
   */
  searchPasses: v.optional(finite),
  /** The number of different pictures that the search saw. */
  searchPictures: v.optional(finite),
  /** The seeds of the searches whose results are pooled in this row. */
  seeds: v.optional(v.array(finite)),
  /** The metrics by name, such as `psnr` or `fid`. */
  metrics: v.record(v.string(), metric),
  /** Present if the numbers were copied from the paper, not measured. */
  source: v.optional(v.literal("paper")),
});

/** The file; fields that others added are ignored. */
const results = openRecord({
  /** The name of the experiment file. */
  experiment: v.string(),
  /** The model's folder or known name. */
  model: v.string(),
  sampler,
  rows: v.array(row),
  /** The commit of this repository; it ends in "-dirty" with local changes. */
  commit: v.optional(v.string()),
  seed: v.optional(finite),
  /** The number of evaluated samples. */
  samples: v.optional(finite),
  /** The number of passes that a gradient over a sampler pass counts in `searchPasses`; 3 by default. */
  gradientPasses: v.optional(finite),
  /** The precision of the network's weights and products that made the samples; float32 by default. */
  precision: v.optional(v.string()),
  hardware: v.optional(v.string()),
  /** The day of the run, ISO 8601. */
  date: v.optional(v.string()),
  /** The command line that repeats the run. */
  command: v.optional(v.string()),
});

/** A run's results, and the command and settings that repeat them. */
export type Results = v.InferOutput<typeof results>;
/** One method at one budget. */
export type ResultRow = v.InferOutput<typeof row>;
/** A measured metric. */
export type MetricValue = v.InferOutput<typeof metricValue>;
/** A row's mean minus `method`'s on the same samples, with its 95 % interval. */
export type Difference = v.InferOutput<typeof difference>;

/**
 * Writes `results.json`, checked as {@linkcode readResults} would.
 *
 * @throws {TypeError} If the results are not valid.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readResults, type Results, writeResults } from "@dip-go/eval";
 *
 * const results: Results = {
 *   experiment: "toy",
 *   model: "zoo/models/sd-shapes",
 *   sampler: { name: "ddim", steps: 20 },
 *   rows: [],
 * };
 * const path = await Deno.makeTempFile();
 * await writeResults(path, results);
 * assertEquals(await readResults(path), results);
 * await Deno.remove(path);
 * ```
 */
export async function writeResults(
  path: string,
  results: Results,
): Promise<void> {
  parseResults(results, path);
  await writeAtomically(path, JSON.stringify(results, null, 2) + "\n");
}

/**
 * Reads and checks a `results.json`.
 *
 * @throws {TypeError} If the file is not JSON, or a key is missing or of
 * another type; the message names file, key, found and expected.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { readResults } from "@dip-go/eval";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, `{"experiment": 3}`);
 * await assertRejects(
 *   () => readResults(path),
 *   TypeError,
 *   "experiment is 3, expected a string",
 * );
 * await Deno.remove(path);
 * ```
 */
export const readResults = async (path: string): Promise<Results> =>
  parseResults(await readJson(path), path);

/**
 * Checks a value against {@linkcode Results}.
 *
 * @param file The name of the value's file, for error messages.
 * @throws {TypeError} As {@linkcode readResults}.
 */
export function parseResults(value: unknown, file: string): Results {
  return conform(results, value, `read ${file}`);
}
