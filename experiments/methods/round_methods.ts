/** Searches over gates without a gradient, by rounds of true samples: random and genetic (DiP-GO, table 6). */
import type { Gates } from "@dip-go/supernet/gates";
import { networkTrainingCost } from "@dip-go/pruner/budget";
import {
  breed,
  drawAnew,
  type JudgedGates,
  type Propose,
  searchByRounds,
} from "@dip-go/pruner/rivals";
import { fidelityTo } from "@dip-go/pruner/search";
import type { FittedPlan, Method, MethodContext } from "./method.ts";

/** Mean over the calibration batches of minus the fidelity in dB: what these searches minimise. */
async function calibrationLoss(
  { runner, setup, calibration }: MethodContext,
  gates: Gates,
): Promise<number> {
  const batches = await calibration();
  let loss = 0;
  for (const batch of batches) {
    const found = await runner.sample({ ...batch, ...setup, gates });
    loss -= fidelityTo(batch, found) / batches.length;
  }
  return loss;
}

/**
 * SubNets that a search may sample: a number, or as many as the model calls of
 * DiP-GO's training pay for, each at the whole budget.
 */
export function evaluationsOf(
  { net, search, evolution }: Pick<MethodContext, "net" | "search"> & {
    evolution: NonNullable<MethodContext["search"]["evolution"]>;
  },
  maxCost: number,
): number {
  if (evolution.evaluations !== "equal-cost") return evolution.evaluations;
  const training = networkTrainingCost(net, search.network);
  return Math.max(1, Math.floor(training / (search.calibration * maxCost)));
}

const roundMethod = (name: string, propose: Propose): Method => ({
  name,
  searches: true,
  async fit(context: MethodContext, maxCost: number): Promise<FittedPlan> {
    const { net, search, seed } = context;
    const { evolution } = search;
    if (!evolution) {
      throw new RangeError(
        `Cannot search by ${name}: search.evolution is missing, expected evaluations and population`,
      );
    }
    const { gates }: JudgedGates = await searchByRounds(
      {
        net,
        maxCost,
        evaluate: (gates) => calibrationLoss(context, gates),
        keep: (round, make) =>
          context.once(`${name}-${maxCost}-${round}`, make),
        onEvaluation: (done, total) => context.progress(done, total),
      },
      propose,
      {
        evaluations: evaluationsOf({ net, search, evolution }, maxCost),
        population: evolution.population,
        seed,
      },
    );
    return { kind: "gates", plan: { gates } };
  },
});

/** The best of many random draws. */
export const randomSearch = roundMethod("random-search", drawAnew);

/** The best that crossing and mutating a population finds. */
export const genetic = roundMethod("genetic", breed);
