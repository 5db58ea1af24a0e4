/** A plan: the result of a search, everything that makes a full sampler a SubNet. */
import {
  conform,
  type Conformed,
  finite,
  oneOf,
  readJson,
  record,
  wholeFrom,
} from "@dip-go/core/files";
import { heldKinds } from "@dip-go/core/models";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import { addsNoise } from "@dip-go/core/samplers";
import * as v from "valibot";
import { checkSolver, type Solver, solverSchema } from "../solver/solver.ts";
import { type Forecast, forecastPayload } from "./forecast.ts";
import { checkGates } from "./gates.ts";
import { checkStepHalves, unconditional } from "./halves.ts";
import { checkPayloads } from "./payloads.ts";
import type { SuperNet } from "./super_net.ts";

const payload = record({
  held: oneOf(heldKinds),
  /** One row a step, `[]` if the step computes the unit; see `payloads.ts`. */
  coefficients: v.array(v.array(v.union(
    [finite, v.array(finite)],
    "a number or a list of numbers",
  ))),
});

const entries = {
  model: v.string(),
  /** The sampler that the gates belong to. */
  sampler: record({
    name: v.string(),
    /** Model calls T. */
    steps: wholeFrom(1),
    /** The guidance scale that is part of a solver's weights. */
    guidanceScale: v.optional(finite),
  }),
  /** Unit names in execution order. */
  blocks: v.array(v.string()),
  gates: v.array(
    v.array(v.picklist([0, 1], "0 or 1")),
  ),
  /** The payloads of units at steps that do not compute them, by unit; held values unchanged by default. */
  payloads: v.optional(v.record(v.string(), payload)),
  /** The halves of guidance that each step evaluates; both by default. See `halves.ts`. */
  halves: v.optional(v.array(v.picklist(["both", "conditional"]))),
  /** The learned combinations of whole calls; the sampler's own arithmetic by default. */
  solver: v.optional(solverSchema),
};
const plan = record(entries);

/** A plan's file, which may give the whole step's payload as scalars of a forecast, as older files do. */
const planFile = record({
  ...entries,
  forecast: v.optional(v.array(v.strictTuple([finite, finite, finite]))),
});

/** Gates with their model, sampler and units: the content of `gates.json`. */
export type Plan = Conformed<typeof plan>;
/** The parts of a plan that make a SubNet: gates, payloads, halves and solver. */
export type SubNetPlan = Pick<Plan, "gates" | Filling | "solver">;
type Filling = "payloads" | "halves";
/** A plan's payloads and halves, which fill in the values that steps do not compute. */
export type Fillings = Partial<Pick<Plan, Filling>>;

/** The plan of a sampler for the units of its SuperNet. */
export function planFor(
  { pipeline, sampler: { name, steps }, guidanceScale }: PipelineSampler,
  { units }: Pick<SuperNet, "units">,
  { gates, payloads, halves, solver }: SubNetPlan,
): Plan {
  return {
    model: pipeline.name,
    sampler: { name, steps: steps.length, ...solver && { guidanceScale } },
    blocks: units,
    gates,
    ...payloads && { payloads },
    ...halves && { halves },
    ...solver && { solver },
  };
}

/**
 * Checks that a plan is well formed, and fits a SuperNet's steps and units, its solver the sampler.
 *
 * @param source The plan's origin, for errors; its model by default.
 * @throws As {@linkcode parseGates}; also if the plan does not fit.
 */
export function checkPlan(
  found: Plan,
  { units, steps, conditional, sampler }:
    & Pick<SuperNet, "units" | "steps" | "conditional">
    & { readonly sampler?: SolvedSampler },
  source = found?.model ?? "no model",
): void {
  const own = parseGates(found, `the plan of ${source}`, source);
  const { blocks, sampler: of, gates, halves, solver } = own;
  checkUnits(blocks, units, source);
  if (solver && sampler) checkLearned({ of, solver }, sampler, source);
  checkGates(gates, { steps, units: units.length, source });
  if (conditional || !halves?.includes("conditional")) return;
  throw new RangeError(
    `Cannot use the plan of ${source}: steps evaluate the conditional half alone, expected both, as a sampler without guidance has no other`,
  );
}

/** The parts of a sampler that a solver was learned of. */
type SolvedSampler = Pick<
  PipelineSampler,
  "sampler" | "guidanceScale" | "start"
>;

/** Checks that a solver was learned of a sampler, whose pictures follow from noise alone. */
function checkLearned(
  { of, solver: { evaluations } }: {
    readonly of: Plan["sampler"];
    readonly solver: Solver;
  },
  { sampler, guidanceScale, start }: SolvedSampler,
  source: string,
): void {
  const { name, steps } = sampler;
  const { guidanceScale: learned = guidanceScale } = of;
  const refuse = (what: string) => {
    throw new RangeError(
      `Cannot use the plan of ${source}: its solver ${what}`,
    );
  };
  if (name !== of.name || guidanceScale !== learned) {
    refuse(
      `was learned of ${of.name} at a guidance scale of ${learned}, found ${name} at ${guidanceScale}`,
    );
  }
  if (addsNoise(sampler)) {
    refuse(`adds no noise, found ${name} with noise at its steps`);
  }
  if (start) refuse("starts from noise, found another start, expected none");
  const times = steps.map(({ timestep }) => timestep);
  const [first, last] = [Math.max(...times), Math.min(...times)];
  const beside = (first - last) / Math.max(1, times.length - 1) || first;
  const odd = evaluations.map(({ timestep }) => timestep)
    .find((time) => time > first + beside || time < last - beside);
  if (odd === undefined) return;
  refuse(
    `evaluates timestep ${odd}, expected at most a step beside the sampler's, ${last} to ${first}`,
  );
}

/**
 * Checks names of units against a model's units.
 *
 * @throws {RangeError} If the names differ.
 */
export function checkUnits(
  found: readonly string[],
  expected: readonly string[],
  source: string,
): void {
  const count = Math.max(found.length, expected.length);
  const odd = Array.from({ length: count }, (_, n) => n)
    .find((n) => found[n] !== expected[n]);
  if (odd === undefined) return;
  const at = (names: readonly string[]) =>
    names[odd] === undefined ? "nothing" : `"${names[odd]}"`;
  throw new RangeError(
    `Cannot use the gates of ${source}: "blocks"[${odd}] of ${found.length} is ${
      at(found)
    }, expected ${at(expected)}, the model's units being ${
      expected.slice(0, 2).join(", ")
    } … ${expected.at(-1)}; another granularity may have them`,
  );
}

/** Checks all parts of a plan against each other. */
export function checkSubNet(
  { gates, payloads, halves, solver }: SubNetPlan,
  { units, steps, source }: {
    readonly units: readonly string[];
    readonly steps: number;
    readonly source: string;
  },
): void {
  checkGates(gates, { steps, units: units.length, source });
  if (halves) checkStepHalves({ halves, gates, payloads }, source);
  const { [unconditional]: other, ...own } = payloads ?? {};
  checkPayloads(halves || !other ? own : payloads!, { units, gates, source });
  if (!solver) return;
  checkSolver(solver, gates, source);
  const beside = halves ? "halves" : payloads && "payloads";
  if (!beside) return;
  throw new RangeError(
    `Cannot use the solver of ${source}: the plan has ${beside} beside it, expected its evaluations to say all`,
  );
}

/**
 * Reads the plan in a file.
 *
 * @throws As {@linkcode parseGates}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readPlan } from "@dip-go/supernet";
 *
 * const { sampler, gates } = await readPlan("zoo/subnets/dit-shapes/0.8.json");
 * assertEquals(sampler, { name: "ddim", steps: 20, guidanceScale: 2 });
 * assertEquals(gates[0].every((gate) => gate === 1), true);
 * ```
 */
export const readPlan = async (file: string): Promise<Plan> =>
  parseGates(await readJson(file), file);

/**
 * The plan in a parsed `gates.json`.
 *
 * @throws {TypeError} If a key is missing, unknown or of another type.
 * @throws {RangeError} If gates, payloads or solver do not fit the file's own steps and blocks.
 */
export function parseGates(
  value: unknown,
  file: string,
  source = file,
): Plan {
  const { forecast, ...found } = conform(planFile, value, `read ${file}`);
  const { sampler: { steps }, blocks: units } = found;
  const read = forecast
    ? { ...found, payloads: { ...found.payloads, ...whole(found, forecast) } }
    : found;
  checkSubNet(read, { units, steps, source });
  return read;
}

/** A forecast as the whole step's payload. */
const whole = (
  { blocks, gates }: Pick<Plan, "blocks" | "gates">,
  forecast: Forecast,
) => ({
  [blocks[blocks.length - 1]]: forecastPayload(
    gates.map((row) => row[row.length - 1]),
    forecast,
  ),
});
