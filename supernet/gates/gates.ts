/**
 * Gates `[T, N]`: row t is the t-th model call in sampling order, column n a
 * unit in execution order; 1 computes the unit, 0 takes its backup connection.
 * `gates.json` is their file format.
 */
import type { Forecast } from "./forecast.ts";
import type { SamplerName } from "./sampler_name.ts";

/** 1 computes, 0 reuses. */
export type Gate = 0 | 1;

/** `[T, N]`; row 0 is all ones, since nothing is held before it. */
export type Gates = readonly (readonly Gate[])[];

/** What `gates.json` holds. */
export interface GatesFile {
  readonly model: string;
  readonly sampler: SamplerName;
  /** Unit names in execution order. */
  readonly blocks: readonly string[];
  readonly gates: Gates;
  /** How held predictions are combined, where a search found that too. */
  readonly forecast?: Forecast;
}

/** Gates of the full sampler: all ones. */
export function denseGates(steps: number, units: number): Gates {
  return Array.from({ length: steps }, () => Array<Gate>(units).fill(1));
}

/**
 * Checks gates against a SuperNet's size.
 *
 * @throws {RangeError} If the shape is not `[steps, units]`, a value is neither 0 nor 1, or row 0 reuses.
 */
export function checkGates(
  gates: readonly (readonly number[])[],
  { steps, units, source }: { steps: number; units: number; source: string },
): asserts gates is Gates {
  const refuse = (what: string): never => {
    throw new RangeError(`Cannot use the gates of ${source}: ${what}`);
  };
  if (gates.length !== steps) {
    refuse(`found ${gates.length} rows, expected ${steps} steps`);
  }
  gates.forEach((row, t) => {
    if (row.length !== units) {
      refuse(`row ${t} has ${row.length} gates, expected ${units} units`);
    }
    const odd = row.findIndex((gate) => gate !== 0 && gate !== 1);
    if (odd !== -1) {
      refuse(`gates[${t}][${odd}] is ${row[odd]}, expected 0 or 1`);
    }
    const closed = t === 0 ? row.indexOf(0) : -1;
    if (closed !== -1) {
      refuse(`gates[0][${closed}] is 0, expected a dense first step`);
    }
  });
}

function record(
  value: unknown,
  file: string,
  key: string,
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`Cannot read ${file}: ${key} is not an object`);
  }
  return value as Record<string, unknown>;
}

function rows(value: unknown, file: string, key: string): number[][] {
  if (!Array.isArray(value) || !value.every(Array.isArray)) {
    throw new TypeError(`Cannot read ${file}: "${key}" is not a list of rows`);
  }
  return value;
}

/**
 * The gates in a parsed `gates.json`.
 *
 * @throws {TypeError} If a key is missing or of another type.
 * @throws {RangeError} If gates or forecast do not fit the file's own steps and blocks.
 */
export function parseGates(value: unknown, file: string): GatesFile {
  const { model, sampler, blocks, gates, forecast } = record(value, file, "it");
  const { name, steps } = record(sampler, file, `"sampler"`);
  if (typeof model !== "string") {
    throw new TypeError(`Cannot read ${file}: "model" is no string`);
  }
  if (typeof name !== "string" || !Number.isInteger(steps)) {
    throw new TypeError(
      `Cannot read ${file}: "sampler" needs a name and a number of steps`,
    );
  }
  if (!Array.isArray(blocks) || !blocks.every((b) => typeof b === "string")) {
    throw new TypeError(`Cannot read ${file}: "blocks" is not a list of names`);
  }
  const matrix = rows(gates, file, "gates");
  checkGates(matrix, {
    steps: steps as number,
    units: blocks.length,
    source: file,
  });
  return {
    model,
    sampler: { name, steps: steps as number },
    blocks,
    gates: matrix,
    ...forecast === undefined
      ? {}
      : { forecast: forecastRows(forecast, matrix.length, file) },
  };
}

/** Three finite scalars a step. */
function forecastRows(value: unknown, steps: number, file: string): Forecast {
  const found = rows(value, file, "forecast");
  const odd = found.findIndex((row) =>
    row.length !== 3 || !row.every(Number.isFinite)
  );
  if (found.length !== steps || odd !== -1) {
    throw new RangeError(
      `Cannot read ${file}: "forecast" has ${
        odd === -1 ? `${found.length} rows` : `[${found[odd]}] in row ${odd}`
      }, expected ${steps} rows of 3 numbers`,
    );
  }
  return found as unknown as Forecast;
}
