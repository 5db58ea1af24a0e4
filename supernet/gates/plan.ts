/** A search's result: everything that makes a full sampler a SubNet. */
import {
  conform,
  type Conformed,
  finite,
  readJson,
  record,
  wholeFrom,
} from "@dip-go/core/files";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import * as v from "valibot";
import { checkGates } from "./gates.ts";
import type { SuperNet } from "./super_net.ts";

const plan = record({
  model: v.string(),
  /** Which sampler gates belong to. */
  sampler: record({
    name: v.string(),
    /** Model calls T. */
    steps: wholeFrom(1),
  }),
  /** Unit names in execution order. */
  blocks: v.array(v.string()),
  gates: v.array(
    v.array(v.picklist([0, 1], "0 or 1")),
  ),
  /** How held predictions are combined; held as they are by default. */
  forecast: v.optional(v.array(v.strictTuple([finite, finite, finite]))),
});

/** Gates with the model, sampler and units that they are of: `gates.json`, as JSON. */
export type Plan = Conformed<typeof plan>;
/** Gates and how they are filled in. */
export type SubNetPlan = Pick<Plan, "gates" | "forecast">;

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

/**
 * The gates in a parsed `gates.json`.
 *
 * @throws {TypeError} If a key is missing, unknown or of another type.
 * @throws {RangeError} If gates or forecast do not fit the file's own steps and blocks.
 */
export function parseGates(value: unknown, file: string): Plan {
  const found = conform(plan, value, `read ${file}`);
  const { sampler: { steps }, blocks, gates, forecast } = found;
  checkGates(gates, { steps, units: blocks.length, source: file });
  if (!forecast || forecast.length === steps) return found;
  throw new RangeError(
    `Cannot read ${file}: forecast has ${forecast.length} rows, expected ${steps}, one a step`,
  );
}
