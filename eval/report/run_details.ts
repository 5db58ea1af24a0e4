/**
 * `report.json` of a run folder: the content of its report beside the numbers of
 * `results.json`. Kept apart from the page, so that runs can be joined into one.
 */
import {
  conform,
  type Conformed,
  finite,
  isFile,
  openRecord,
  readJson,
} from "@dip-go/core/files";
import * as v from "valibot";

const strings = v.array(v.string());

const row = openRecord({
  method: v.string(),
  sparsity: finite,
  /** A string of N digits a step, "1" computes and "0" reuses. */
  gates: v.optional(strings),
  /** PNG data URIs, one an evaluated pair from the first on. */
  pictures: v.optional(strings),
});

const curve = openRecord({
  name: v.string(),
  /** Pairs (iteration, value); a value that was not finite is null in the file. */
  points: v.array(v.strictTuple([
    finite,
    v.pipe(v.nullable(finite), v.transform((value) => value ?? NaN)),
  ])),
});

const runDetails = openRecord({
  description: v.string(),
  device: v.string(),
  /** The resolved experiment, any JSON. */
  experiment: v.unknown(),
  /** Why rows are missing, a sentence each. */
  notes: strings,
  /** Names of the N units; the last is the whole step. */
  units: strings,
  /** Prompt or class of the pictures, one a pair. */
  subjects: strings,
  rows: v.array(row),
  curves: v.array(curve),
});

/** A run and its rows, besides numbers. */
export type RunDetails = Conformed<typeof runDetails>;
/** Values that a search reported while it went on. */
export type ReportCurve = Conformed<typeof curve>;
/** A row of `results.json`, by method and sparsity. */
export type RowDetails = Conformed<typeof row>;

/**
 * Reads a `report.json`.
 *
 * @returns Undefined if there is no such file: the run was written before, or by hand.
 * @throws {TypeError} If the file is not JSON, or a key is missing or of another type.
 */
export const readRunDetails = async (
  path: string,
): Promise<RunDetails | undefined> =>
  await isFile(path)
    ? conform(runDetails, await readJson(path), `read ${path}`)
    : undefined;
