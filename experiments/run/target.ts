/** The targets that the plans of rows are fitted to. */
import type { Experiment } from "../schema/experiment.ts";

/** The removed fraction of the full sampler's cost, or the milliseconds that a picture may take. */
export type Target = number | `${number}ms`;

/** The targets of an experiment, in its order. */
export const targetsOf = (
  { sparsity, budgetMs }: Pick<Experiment, "sparsity" | "budgetMs">,
): readonly Target[] => sparsity ?? budgetMs!.map((ms): Target => `${ms}ms`);

/** The milliseconds of a budget of time; undefined for a fraction. */
export const msOf = (target: Target): number | undefined =>
  typeof target === "number" ? undefined : Number(target.slice(0, -2));

/** Orders targets of one experiment from the largest budget to the least. */
export const byBudget = (a: Target, b: Target): number =>
  tightness(a) - tightness(b);

const tightness = (target: Target): number =>
  typeof target === "number" ? target : -msOf(target)!;
