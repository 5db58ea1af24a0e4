/** Caches whose calls follow from full runs: one measurement of units' values serves every budget. */
import type { Held } from "@dip-go/core/models";
import {
  denseCost,
  denseGates,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { SubNetRunner, UnitValue } from "@dip-go/supernet/sampling";
import { planCost } from "@dip-go/supernet/solver";
import type { CalibrationBatch } from "../../calibration.ts";
import { type Method, noPlan, planned } from "../../method.ts";
import { range } from "../../numbers.ts";

/** A rule that makes plans from a measurement of full runs. */
export interface CalibratedRule<Measured> extends Pick<Method, "refusal"> {
  /** The measurement's name among parts of searches. */
  readonly part: string;
  /** Measures full runs; the result must survive JSON. */
  measure(
    runner: SubNetRunner,
    batches: readonly CalibrationBatch[],
  ): Promise<Measured>;
  /** The possible plans, of which the first that fits is taken. */
  plans(net: SuperNet, measured: Measured): Iterable<SubNetPlan>;
}

export function calibratedMethod<Measured>(
  name: string,
  { part: partName, measure, plans, ...rule }: CalibratedRule<Measured>,
): Method {
  const part = { name: partName, reads: {} };
  return {
    ...rule,
    name,
    searches: "by samples",
    reads: () => ({}),
    parts: () => [part],
    searchCost: ({ net, search }) => search.calibration * denseCost(net),
    async fit(context, maxCost) {
      const { net, runner } = context;
      const measured = await context.once(
        part,
        async () => measure(runner, await context.calibration()),
      );
      for (const plan of plans(net, measured)) {
        if (planCost(net, plan) <= maxCost) return planned(plan);
      }
      return noPlan("no threshold fits the budget");
    },
  };
}

/**
 * Runs the full sampler on a batch, and gives `watch` the value that each unit but
 * the whole step would hold at each call.
 */
export async function watchUnits(
  runner: SubNetRunner,
  batch: CalibrationBatch,
  { held, watch }: {
    readonly held: Held;
    readonly watch: (made: UnitValue) => void;
  },
): Promise<void> {
  const { net: { units, steps } } = runner;
  const coefficients = range(steps).map(() => []);
  await runner.sample({
    ...batch,
    gates: denseGates(steps, units.length),
    payloads: Object.fromEntries(
      units.slice(0, -1).map((unit) => [unit, { held, coefficients }]),
    ),
    watch,
  });
}
