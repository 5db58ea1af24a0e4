/**
 * The full model with fewer steps: the baseline of every paper, DiP-GO's table 1
 * among them. By a solver of high order it is the strongest rival at few calls.
 */
import type { AnotherSolver } from "@dip-go/core/samplers";
import { denseCost } from "@dip-go/supernet/gates";
import { type Method, type MethodContext, noPlan } from "../../method.ts";
import type { SearchSettings } from "../../search_settings.ts";
import { alignedTimesteps } from "./aligned_timesteps.ts";

/** The most steps that a budget pays for, by another solver if there is one, or why it pays for none. */
export function stepsWithin(
  { net, withSteps }: Pick<MethodContext, "net" | "withSteps">,
  maxCost: number,
  solver?: AnotherSolver,
): number | string {
  const call = denseCost(net) / net.steps;
  const fits = (steps: number) =>
    withSteps(steps, solver).steps.length * call <= maxCost;
  let { steps } = net;
  try {
    while (steps > 0 && !fits(steps)) steps--;
    return steps || tooDear;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return steps === net.steps ? error.message : tooDear;
  }
}

const tooDear = "the fewest steps exceed the budget";

/** The sampler, or the solver of the settings, with as many steps as the budget pays for. */
export const fewerSteps: Method = {
  name: "fewer-steps",
  settings: ["fewerSteps"],
  unplanned: "its result is the full sampler with fewer steps",
  searches: false,
  reads: ({ search: { fewerSteps } }) => fewerSteps,
  fit({ search: { fewerSteps: { solver } }, ...context }, maxCost) {
    const steps = stepsWithin(context, maxCost, solver && plain(solver));
    if (typeof steps === "string") return noPlan(steps);
    if (!solver) return { kind: "steps", steps };
    if (!("times" in solver)) return { kind: "steps", steps, solver };
    const timesteps = alignedTimesteps(context.trainedNoise(), {
      table: solver.times!,
      steps,
    });
    return typeof timesteps === "string"
      ? noPlan(timesteps)
      : { kind: "steps", steps, solver: { ...plain(solver), timesteps } };
  },
};

type Settings = NonNullable<SearchSettings["fewerSteps"]["solver"]>;

/** The solver without the name of a table of timesteps. */
const plain = ({ kind, order }: Settings): AnotherSolver => ({ kind, order });
