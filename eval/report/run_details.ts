/**
 * `report.json` of a run folder: the content of its report besides the numbers of
 * `results.json`. It is data, not a page, so that several runs can be joined into one page.
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
  /** A string of N digits for each step: "1" computes, "0" reuses. */
  gates: v.optional(strings),
  /** PNG data URIs, one for each evaluated pair from the first on. */
  pictures: v.optional(strings),
});

const curve = openRecord({
  name: v.string(),
  /** Pairs (iteration, value); a value that is not finite is null in the file, NaN here. */
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
  /** The reasons why rows are missing, a sentence each. */
  notes: strings,
  /** The names of the N units; the last is the whole step. */
  units: strings,
  /** The prompt or class of each pair. */
  subjects: strings,
  rows: v.array(row),
  curves: v.array(curve),
});

/** The details of a run and its rows, besides their numbers. */
export type RunDetails = Conformed<typeof runDetails>;
/** The values that a search reported while it ran. */
export type ReportCurve = Conformed<typeof curve>;
/** The details of the row of `results.json` with this method and sparsity. */
export type RowDetails = Conformed<typeof row>;

/**
 * Reads a `report.json`.
 *
 * @returns The details; undefined if there is no such file, which not every run has.
 * @throws {TypeError} If the file is not JSON, or a key is missing or of another type.
 */
export const readRunDetails = async (
  path: string,
): Promise<RunDetails | undefined> =>
  await isFile(path)
    ? conform(runDetails, await readJson(path), `read ${path}`)
    : undefined;
