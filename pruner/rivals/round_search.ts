/**
 * What random and genetic search over gates share (DiP-GO, table 6): rounds of
 * proposals that are judged on true samples, until a number of evaluations is
 * spent. Each round has a generator of its own and is kept when it is done, so
 * that a killed search goes on with the round it was in and repeats exactly.
 */
import { TorchGenerator } from "@dip-go/core/random";
import type { Gates, SuperNet } from "@dip-go/supernet/gates";

/** Gates, and how far their images are from the full sampler's. */
export interface JudgedGates {
  readonly gates: Gates;
  readonly loss: number;
}

/** What a round's proposals are made from. */
export interface RoundContext {
  readonly net: SuperNet;
  /** Budget over all steps, in the unit of the SuperNet's costs. */
  readonly maxCost: number;
  /** The best so far, best first; empty before the first round. */
  readonly population: readonly JudgedGates[];
  /** Numbers in [0, 1). */
  readonly uniform: () => number;
}

/** Keeps what a round gave, or gives back what a search before kept. */
export type KeepRound = <T>(
  round: string,
  make: () => Promise<T>,
) => Promise<T>;

/** Proposes one SubNet within the budget. */
export type Propose = (context: RoundContext) => Gates;

export interface RoundSearchOptions {
  /** SubNets that are sampled in all. */
  readonly evaluations: number;
  /** SubNets of a round, and how many of the best are remembered. */
  readonly population: number;
  readonly seed: number;
}

/** What a search by rounds works with. */
export interface RoundSearchTools {
  readonly net: SuperNet;
  readonly maxCost: number;
  /** Images' distance from the full sampler's; what the search minimises. */
  readonly evaluate: (gates: Gates) => Promise<number>;
  /** Keeps a round; must survive JSON. */
  readonly keep: KeepRound;
  readonly onEvaluation?: (done: number, total: number) => void;
}

/** Apart far enough that the rounds of searches with neighbouring seeds share no generator. */
const seedStride = 100_003;

/**
 * The best SubNet of all rounds.
 *
 * @throws {RangeError} If there is nothing to evaluate, or one model call alone exceeds the budget.
 */
export async function searchByRounds(
  tools: RoundSearchTools,
  propose: Propose,
  { evaluations, population: size, seed }: RoundSearchOptions,
): Promise<JudgedGates> {
  if (evaluations < 1 || size < 1) {
    throw new RangeError(
      `Cannot search gates: ${evaluations} evaluations in rounds of ${size}, expected 1 or more of each`,
    );
  }
  const { net, maxCost, keep, onEvaluation } = tools;
  let population: readonly JudgedGates[] = [];
  for (let done = 0, round = 0; done < evaluations; round++) {
    const count = Math.min(size, evaluations - done);
    const before = { start: done, population };
    const made = await keep(`round-${round}`, async () => {
      const random = new TorchGenerator(seed * seedStride + round);
      const context = {
        net,
        maxCost,
        population: before.population,
        uniform: () => random.uniform(),
      };
      const judged: JudgedGates[] = [];
      while (judged.length < count) {
        const gates = propose(context);
        judged.push({ gates, loss: await tools.evaluate(gates) });
        onEvaluation?.(before.start + judged.length, evaluations);
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
