/**
 * The search by rounds that random and genetic search over gates (DiP-GO, table 6)
 * share: proposals are judged on true samples until the evaluations are spent. Each
 * round has a generator of its own and is kept when it is done, so that a killed
 * search goes on with its last round and repeats exactly.
 */
import { TorchGenerator } from "@dip-go/core/random";
import type { Gates, SuperNet } from "@dip-go/supernet/gates";
import { networkTrainingCost } from "../budget/gate_costs.ts";
import { fidelityTo } from "../calibration.ts";
import { type Method, planned, type PricedSearch } from "../method.ts";
import { range, sum } from "../numbers.ts";
import { trainings } from "../search_settings.ts";

/** Gates, and the distance of their images from the full sampler's as the loss. */
export interface JudgedGates {
  readonly gates: Gates;
  readonly loss: number;
}

/** The state from which a round makes its proposals. */
export interface RoundContext {
  readonly net: SuperNet;
  /** The budget over all steps, in the unit of the SuperNet's costs. */
  readonly maxCost: number;
  /** The best SubNets so far, best first; empty before the first round. */
  readonly population: readonly JudgedGates[];
  /** Draws numbers in [0, 1). */
  readonly uniform: () => number;
}

/** Proposes one SubNet within the budget. */
export type Propose = (context: RoundContext) => Gates;

/** The settings and callbacks of a search by rounds. */
export interface RoundSearch extends Pick<RoundContext, "net" | "maxCost"> {
  /** The number of SubNets that are sampled in all. */
  readonly evaluations: number;
  /** The number of SubNets in a round, and of the best that are remembered. */
  readonly population: number;
  readonly seed: number;
  /** The distance of a SubNet's images from the full sampler's, which the search minimises. */
  evaluate(gates: Gates): Promise<number>;
  /** Makes and keeps a round's value, or returns the one that an earlier search kept; it must survive JSON. */
  keep(
    round: string,
    make: () => Promise<JudgedGates[]>,
  ): Promise<JudgedGates[]>;
  /** @param least The least loss so far. */
  onEvaluation?(done: number, least: number): void;
}

/** The distance of seeds, large enough that searches with neighbouring seeds share no round's generator. */
const seedStride = 100_003;

/**
 * The best SubNet of all rounds.
 *
 * @throws {RangeError} If there is nothing to evaluate, or one model call alone exceeds the budget.
 */
export async function searchByRounds(
  propose: Propose,
  { net, maxCost, evaluations, population: size, seed, ...search }: RoundSearch,
): Promise<JudgedGates> {
  if (evaluations < 1 || size < 1) {
    throw new RangeError(
      `Cannot search gates: ${evaluations} evaluations in rounds of ${size}, expected 1 or more of each`,
    );
  }
  let population: readonly JudgedGates[] = [];
  for (let done = 0, round = 0; done < evaluations; round++) {
    const count = Math.min(size, evaluations - done);
    const [start, before] = [done, population];
    const made = await search.keep(`round-${round}`, async () => {
      const random = new TorchGenerator(seed * seedStride + round);
      const uniform = () => random.uniform();
      const context = { net, maxCost, population: before, uniform };
      const judged: JudgedGates[] = [];
      while (judged.length < count) {
        const gates = propose(context);
        judged.push({ gates, loss: await search.evaluate(gates) });
        const losses = [...before, ...judged].map(({ loss }) => loss);
        search.onEvaluation?.(start + judged.length, Math.min(...losses));
      }
      return judged;
    });
    done += count;
    population = [...population, ...made]
      .sort((a, b) => a.loss - b.loss)
      .slice(0, size);
  }
  return population[0];
}

/**
 * The number of SubNets to sample, each on all calibration batches at the whole
 * budget: as set, or as many as the model calls of a method's training pay for.
 */
export function evaluationsOf(
  { net, search }: Pick<PricedSearch, "net" | "search">,
  maxCost: number,
): number {
  const { evolution, calibration } = search;
  if (!evolution) return 0;
  const { evaluations } = evolution;
  if (typeof evaluations === "number") return evaluations;
  const training = networkTrainingCost(net, search[trainings[evaluations]]);
  return Math.max(1, Math.floor(training / (calibration * maxCost)));
}

export const roundMethod = (name: string, propose: Propose): Method => ({
  name,
  settings: ["evolution"],
  searches: "by samples",
  searchCost: ({ budgets, ...context }) =>
    context.search.calibration *
    sum(budgets.map((maxCost) => evaluationsOf(context, maxCost) * maxCost)),
  parts({ net, search, sparsity, maxCost }) {
    const rounds = evaluationsOf({ net, search }, maxCost) /
      (search.evolution?.population ?? 1);
    return range(Math.ceil(rounds)).map((round) => ({
      name: `${name}-${maxCost}-round-${round}`,
      reads: { search, sparsity },
    }));
  },
  async fit(context, maxCost) {
    const { net, runner, search, sparsity, seed } = context;
    const { evolution } = search;
    const reads = { search, sparsity };
    if (!evolution) {
      throw new RangeError(
        `Cannot search by ${name}: search.evolution is missing, expected evaluations and population`,
      );
    }
    const evaluations = evaluationsOf(context, maxCost);
    const { gates } = await searchByRounds(propose, {
      net,
      maxCost,
      evaluations,
      population: evolution.population,
      seed,
      async evaluate(gates) {
        const batches = await context.calibration();
        let loss = 0;
        for (const batch of batches) {
          const found = await runner.sample({ ...batch, gates });
          loss -= fidelityTo(batch, found) / batches.length;
        }
        return loss;
      },
      keep: (round, make) =>
        context.once({ name: `${name}-${maxCost}-${round}`, reads }, make),
      onEvaluation: (done, loss) =>
        context.progress(done, evaluations, { loss }),
    });
    return planned({ gates });
  },
});
