/**
 * A learned solver of whole model calls. The network's input at each evaluation,
 * and the final latents, are linear combinations of the initial noise and of all
 * outputs so far, with a weight for each half of guidance; each evaluation has a
 * timestep of its own, which may lie between two of the sampler's. Every
 * multistep solver and every forecast of whole steps is such a combination. See
 * S4S (arXiv 2502.17423), LD3 (arXiv 2405.15506) and the solvers that both cite.
 */
import { type Conformed, finite, record } from "@dip-go/core/files";
import * as v from "valibot";
import type { Halves } from "../gates/halves.ts";

const combination = {
  /** Weight of the initial standard normal noise. */
  noise: finite,
  /** Weights of the outputs so far, a row an evaluation: the conditional half's, then the other's if computed. */
  outputs: v.array(v.array(finite)),
};

/** The part `solver` of a plan. */
export const solverSchema = record({
  /** The evaluations in sampling order, one for each row of gates that are 1. */
  evaluations: v.array(record({
    timestep: finite,
    /** The halves of guidance that the network computes; `both` also without guidance. */
    halves: v.picklist(["both", "conditional"]),
    ...combination,
  })),
  latents: record(combination),
});

/** A learned solver, as a plan holds it. */
export type Solver = Conformed<typeof solverSchema>;
export type Evaluation = Solver["evaluations"][number];
/** Weights of noise and outputs. */
export type Combination = Solver["latents"];

/** The number of outputs of an evaluation. @param guided Whether the sampler has two halves. */
export const outputsOf = (halves: Halves, guided: boolean): 1 | 2 =>
  guided && halves === "both" ? 2 : 1;

/** A combination as one row of weights, `[E]`: the noise's, then the outputs'. */
export const weightsOf = ({ noise, outputs }: Combination): number[] => [
  noise,
  ...outputs.flat(),
];

/** The combination with weights `[E]`. @param counts The number of outputs of each evaluation so far. */
export function combinationOf(
  [noise, ...weights]: readonly number[],
  counts: readonly number[],
): Combination {
  let at = 0;
  const outputs = counts.map((count) => weights.slice(at, at += count));
  return { noise, outputs };
}

/**
 * Checks that a solver fits its plan's gates, and its weights the evaluations.
 *
 * @param source The solver's origin, for errors.
 * @throws {RangeError} If it does not.
 */
export function checkSolver(
  { evaluations, latents }: Solver,
  gates: readonly (readonly number[])[],
  source: string,
): void {
  const refuse = (what: string) => {
    throw new RangeError(`Cannot use the solver of ${source}: ${what}`);
  };
  const odd = gates.findIndex((row) => new Set(row).size !== 1);
  if (odd !== -1) {
    refuse(`gates[${odd}] are neither all 1 nor all 0; it makes whole calls`);
  }
  const rows = gates.filter(([gate]) => gate === 1).length;
  if (evaluations.length !== rows) {
    refuse(
      `found ${evaluations.length} evaluations, expected ${rows}, one for each row of gates that are 1`,
    );
  }
  const counts = latents.outputs.map(({ length }) => length);
  [...evaluations, latents].forEach(({ outputs }, k) => {
    const found = outputs.map(({ length }) => length);
    const expected = counts.slice(0, k);
    if (expected.length === k && `${found}` === `${expected}`) return;
    refuse(
      `combination ${k} has weights of [${found}] outputs, expected [${expected}], one row an evaluation before it`,
    );
  });
}

/**
 * Checks that a solver's halves fit a sampler's guidance.
 *
 * @throws {RangeError} If an evaluation has more or fewer outputs than the sampler's network makes.
 */
export function checkHalves(
  { evaluations, latents: { outputs } }: Solver,
  guided: boolean,
): void {
  evaluations.forEach(({ halves }, k) => {
    const expected = outputsOf(halves, guided);
    if (outputs[k].length === expected && (guided || halves === "both")) return;
    const wanted = guided
      ? `${expected} in a guided sampler`
      : "both, of 1 output, in a sampler without guidance";
    throw new RangeError(
      `Cannot use the solver: evaluation ${k} computes ${halves} with weights of ${
        outputs[k].length
      } outputs, expected ${wanted}`,
    );
  });
}
