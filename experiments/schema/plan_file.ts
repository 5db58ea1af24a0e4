/** Plans on disk: gates with payloads, a number of steps, an adaptive cache, or why there is no plan. */
import { conform, openRecord, wholeFrom } from "@dip-go/core/files";
import type { AnotherSolver } from "@dip-go/core/samplers";
import {
  parseGates,
  type Plan,
  planFor,
  type SubNetPlan,
} from "@dip-go/supernet/gates";
import type { Bench } from "../run/bench.ts";
import type { AdaptivePlan, FittedPlan } from "@dip-go/pruner/methods";

/** A plan's file; `sampler.steps` counts model calls, but sampler steps in a plan of `steps` alone. */
export interface PlanFile
  extends Pick<Plan, "model" | "sampler">, Partial<SubNetPlan> {
  readonly blocks?: Plan["blocks"];
  /** The solver of a plan of fewer steps, if it is not the experiment's sampler. */
  readonly by?: AnotherSolver;
  /** The settings of a cache that decides while sampling. */
  readonly adaptive?: Omit<AdaptivePlan, "kind">;
  /** The reason why there is no plan. */
  readonly note?: string;
}

/** The file of a fitted plan. */
export function planFile(
  bench: Bench,
  fitted: FittedPlan,
): PlanFile {
  const { experiment: { model }, full: { sampler: { name } }, net } = bench;
  const file = { model, sampler: { name, steps: net.steps } };
  switch (fitted.kind) {
    case "adaptive": {
      const { kind: _, precise: __, ...adaptive } = fitted;
      return { ...file, adaptive };
    }
    case "gates":
      return planFor(bench.full, net, fitted.plan);
    case "steps":
      return {
        model,
        sampler: {
          name: bench.samplerOf(fitted).sampler.name,
          steps: fitted.steps,
        },
        ...fitted.solver && { by: fitted.solver },
      };
    case "none":
      return { ...file, note: fitted.note };
  }
}

const stepsSchema = openRecord({
  sampler: openRecord({ steps: wholeFrom(1) }),
});

/**
 * The plan that a file holds.
 *
 * @param name The file's name, for errors.
 * @throws {TypeError | RangeError} If the file has no number of steps, or its gates are not valid.
 */
export function planOf(value: unknown, name: string): FittedPlan {
  conform(stepsSchema, value, `read ${name}`);
  const file = value as PlanFile;
  if (file.note !== undefined) return { kind: "none", note: file.note };
  if (file.adaptive) return { kind: "adaptive", ...file.adaptive };
  if (!file.gates) {
    const { sampler: { steps }, by: solver } = file;
    return { kind: "steps", steps, ...solver && { solver } };
  }
  const { model: _, sampler: __, blocks: ___, ...plan } = parseGates(
    file,
    name,
  );
  return { kind: "gates", plan };
}
