/** Plans on disk: `gates.json` with the payloads beside the gates, or the number of steps, or why there is none. */
import { parseGates, type Plan, type SubNetPlan } from "@dip-go/supernet/gates";
import type { Bench } from "../run/bench.ts";
import type { AdaptivePlan, FittedPlan } from "@dip-go/pruner/methods";

/** A plan's file; `sampler` counts model calls where there are gates, else the steps that the sampler makes. */
export interface PlanFile
  extends Pick<Plan, "model" | "sampler">, Partial<SubNetPlan> {
  readonly blocks?: Plan["blocks"];
  /** Of a cache that decides while sampling. */
  readonly adaptive?: Omit<AdaptivePlan, "kind">;
  /** Why there is no plan. */
  readonly note?: string;
}

/** A plan as its file. */
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
    case "gates": {
      const { guidanceScale } = bench.full;
      const sampler = {
        ...file.sampler,
        ...fitted.plan.solver && { guidanceScale },
      };
      return { ...file, sampler, blocks: net.units, ...fitted.plan };
    }
    case "steps":
      return { ...file, sampler: { name, steps: fitted.steps } };
    case "none":
      return { ...file, note: fitted.note };
  }
}

/**
 * The plan that a file holds.
 *
 * @param name Of the file, for errors.
 * @throws {TypeError | RangeError} If its gates are not valid.
 */
export function planOf(file: PlanFile, name: string): FittedPlan {
  if (file.note !== undefined) return { kind: "none", note: file.note };
  if (file.adaptive) return { kind: "adaptive", ...file.adaptive };
  if (!file.gates) return { kind: "steps", steps: file.sampler.steps };
  const { gates, payloads, halves, solver } = parseGates(file, name);
  const plan = {
    gates,
    payloads,
    ...halves && { halves },
    ...solver && { solver },
  };
  return { kind: "gates", plan };
}
