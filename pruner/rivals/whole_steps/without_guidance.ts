/** Steps without guidance, as T-GATE and what is left of it have them. */
import type { Payloads, SubNetPlan } from "@dip-go/supernet/gates";

/**
 * The halves of a plan and their payload: where the conditional half runs alone,
 * the unconditional output is the same.
 *
 * @param alone Of each step, whether it does.
 * @param computes Whether a step computes the prediction; all do by default.
 */
export const withoutGuidance = (
  alone: readonly boolean[],
  computes: (step: number) => boolean = () => true,
): Required<Pick<SubNetPlan, "halves">> & { readonly payloads: Payloads } => ({
  halves: alone.map((each) => each ? "conditional" : "both"),
  payloads: {
    unconditional: {
      held: "residual",
      coefficients: alone.map((each, t) => each && computes(t) ? [0] : []),
    },
  },
});
