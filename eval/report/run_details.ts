/**
 * `report.json` of a run folder: the content of its report beside the numbers of
 * `results.json`. Kept apart from the page, so that runs can be joined into one.
 */
import { isFile, readJson } from "@dip-go/core/files";

/** A run and its rows, besides numbers. */
export interface RunDetails {
  readonly description: string;
  readonly device: string;
  /** The resolved experiment, any JSON. */
  readonly experiment: unknown;
  /** Why rows are missing, a sentence each. */
  readonly notes: readonly string[];
  /** Names of the N units; the last is the whole step. */
  readonly units: readonly string[];
  /** Prompt or class of the pictures, one a pair. */
  readonly subjects: readonly string[];
  readonly rows: readonly RowDetails[];
  readonly curves: readonly ReportCurve[];
}

/** Values that a search reported while it went on. */
export interface ReportCurve {
  readonly name: string;
  /** Pairs (iteration, value). */
  readonly points: readonly (readonly [number, number])[];
}

/** A row of `results.json`, by method and sparsity. */
export interface RowDetails {
  readonly method: string;
  readonly sparsity: number;
  /** A string of N digits a step, "1" computes and "0" reuses. */
  readonly gates?: readonly string[];
  /** PNG data URIs, one an evaluated pair from the first on. */
  readonly pictures?: readonly string[];
}

const lists = ["notes", "units", "subjects", "rows", "curves"] as const;

/**
 * Reads a `report.json`.
 *
 * @returns Undefined if there is no such file: the run was written before, or by hand.
 * @throws {TypeError} If the file is not JSON, or one of its lists is missing.
 */
export async function readRunDetails(
  path: string,
): Promise<RunDetails | undefined> {
  if (!await isFile(path)) return undefined;
  const details = (await readJson(path) ?? {}) as RunDetails;
  const odd = lists.find((key) => !Array.isArray(details[key]));
  if (odd === undefined) return details;
  throw new TypeError(
    `Cannot read the report of a run: ${path}: ${odd} is ${
      JSON.stringify(details[odd]) ?? "missing"
    }, expected a list`,
  );
}
