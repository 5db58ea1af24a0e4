/** A search's result: everything that makes a full sampler a SubNet. */
import { readJson } from "@dip-go/core/files";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import type { Forecast } from "./forecast.ts";
import { checkGates, type Gates } from "./gates.ts";
import type { SuperNet } from "./super_net.ts";

/** Which sampler gates belong to. */
export interface SamplerName {
  readonly name: string;
  /** Model calls T. */
  readonly steps: number;
}

/** Gates and how they are filled in. */
export interface SubNetPlan {
  readonly gates: Gates;
  /** How held predictions are combined; held as they are by default. */
  readonly forecast?: Forecast;
}

/** The same with the model, sampler and units that it is of: `gates.json`, as JSON. */
export interface Plan extends SubNetPlan {
  readonly model: string;
  readonly sampler: SamplerName;
  /** Unit names in execution order. */
  readonly blocks: readonly string[];
}

/** A plan of a sampler, found for the units of its SuperNet. */
export function planFor(
  { pipeline, sampler }: Pick<PipelineSampler, "pipeline" | "sampler">,
  { units }: Pick<SuperNet, "units">,
  { gates, forecast }: SubNetPlan,
): Plan {
  return {
    model: pipeline.name,
    sampler: { name: sampler.name, steps: sampler.steps.length },
    blocks: units,
    gates,
    ...forecast && { forecast },
  };
}

/**
 * Checks that a plan is of a SuperNet's steps and units.
 *
 * @param source Where it is from, for errors; its model by default.
 * @throws {RangeError} If it is not.
 */
export function checkPlan(
  { blocks, gates, model }: Plan,
  { units, steps }: Pick<SuperNet, "units" | "steps">,
  source = `of ${model}`,
): void {
  if (blocks.join() !== units.join()) {
    throw new RangeError(
      `Cannot use the plan ${source}: its gates are of the units [${blocks}], expected [${units}]; another granularity may have them`,
    );
  }
  checkGates(gates, { steps, units: units.length, source });
}

/**
 * The plan in a file.
 *
 * @throws As {@linkcode parseGates}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readPlan } from "@dip-go/supernet";
 *
 * const { sampler, gates } = await readPlan("zoo/subnets/dit-shapes/0.8.json");
 * assertEquals(sampler, { name: "ddim", steps: 20 });
 * assertEquals(gates[0].every((gate) => gate === 1), true);
 * ```
 */
export const readPlan = async (file: string): Promise<Plan> =>
  parseGates(await readJson(file), file);

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
export function parseGates(value: unknown, file: string): Plan {
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
