/**
 * `report.json` of a run folder: what its report shows beside the numbers of
 * `results.json`. Kept apart from the page, so that runs can be joined into one.
 */
import type { ReportCurve } from "./report_data.ts";

/** What a run knows of itself and its rows besides numbers. */
export interface RunDetails {
  readonly description: string;
  readonly device: string;
  /** The resolved experiment, any JSON. */
  readonly experiment: unknown;
  /** Why rows are missing, a sentence each. */
  readonly notes: readonly string[];
  /** Names of the N units; the last is the whole step. */
  readonly units: readonly string[];
  /** What the pictures are of, one a pair. */
  readonly subjects: readonly string[];
  readonly rows: readonly RowDetails[];
  readonly curves: readonly ReportCurve[];
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
 * @throws {SyntaxError} If the file is not JSON.
 * @throws {TypeError} If one of its lists is missing.
 */
export async function readRunDetails(
  path: string,
): Promise<RunDetails | undefined> {
  const text = await textOf(path);
  if (text === undefined) return undefined;
  const details = parsed(text, path);
  for (const key of lists) {
    const found = details[key];
    if (Array.isArray(found)) continue;
    throw new TypeError(
      `Cannot read the report of a run: ${path}: ${key} is ${
        JSON.stringify(found) ?? "missing"
      }, expected a list`,
    );
  }
  return details;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function parsed(text: string, path: string): RunDetails {
  try {
    return JSON.parse(text) ?? {};
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read the report of a run: ${path} is not JSON`,
      { cause },
    );
  }
}
