/**
 * BudCache (Westlake-AGI-Lab/BudCache): exactly k of T steps compute, found on true
 * samples by simulated annealing, then by steepest descent. The last prediction is
 * held in between.
 */
import { TorchGenerator } from "@dip-go/core/random";
import { meanSquaredError, range } from "../../numbers.ts";
import {
  choiceMethod,
  type JudgedSteps,
  type StepTrials,
} from "./choice_method.ts";

/** The authors' configuration. */
const authors = {
  annealing: { iterations: 200, hot: 0.05, cold: 1e-5 },
  rounds: 20,
  /** The largest distance by which a step moves in most moves. */
  reach: 3,
  /** The number of moves of a step to anywhere in a round of descent. */
  far: 2,
};

/** The numbers k and T of a choice of k of T steps, and the random numbers of its search. */
interface Choice {
  readonly steps: number;
  readonly k: number;
  /** Draws numbers in [0, 1). */
  readonly uniform: () => number;
}

/** The number of first steps that always compute: a quarter of k. */
const prefixOf = ({ k }: Choice): number => Math.max(1, Math.floor(k / 4));

/** The steps after the prefix that compute, and the steps that do not. */
function movable(computed: readonly number[], choice: Choice) {
  const from = prefixOf(choice);
  const all = range(choice.steps).slice(from);
  return {
    computes: all.filter((t) => computed.includes(t)),
    skips: all.filter((t) => !computed.includes(t)),
  };
}

/** Draws `count` different items of a list. */
function drawn<Item>(
  list: readonly Item[],
  count: number,
  { uniform }: Choice,
): Item[] {
  const rest = [...list];
  return range(count).map(() =>
    rest.splice(Math.floor(uniform() * rest.length), 1)[0]
  );
}

/** The computed steps, with `targets` instead of `sources`. */
const moved = (
  computed: readonly number[],
  sources: readonly number[],
  targets: readonly number[],
): number[] =>
  [...computed.filter((t) => !sources.includes(t)), ...targets]
    .sort((a, b) => a - b);

const isNear = (a: number, b: number) => Math.abs(a - b) <= authors.reach;

/** Makes a move of annealing: of one step, mostly to a near one, or now and then of two steps. */
function wandered(computed: readonly number[], choice: Choice) {
  const { computes, skips } = movable(computed, choice);
  if (computes.length === 0 || skips.length === 0) return computed;
  const single = choice.uniform() < 0.9;
  if (!single && computes.length > 1 && skips.length > 1) {
    return moved(computed, drawn(computes, 2, choice), drawn(skips, 2, choice));
  }
  const [source] = drawn(computes, 1, choice);
  const near = skips.filter((t) => isNear(t, source));
  const isShort = choice.uniform() < 0.7 && near.length > 0;
  return moved(computed, [source], drawn(isShort ? near : skips, 1, choice));
}

/** The moves of a round of descent: of each step to all near ones, and to a few anywhere. */
function neighbours(computed: readonly number[], choice: Choice): number[][] {
  const { computes, skips } = movable(computed, choice);
  if (skips.length === 0) return [];
  return computes.flatMap((source) => {
    const far = range(authors.far)
      .map(() => drawn([...computes, ...skips], 1, choice)[0]);
    return [
      ...skips.filter((t) => isNear(t, source)),
      ...far.filter((t) => skips.includes(t)),
    ].map((target) => moved(computed, [source], [target]));
  });
}

/** Simulated annealing from a start, its temperature falling geometrically. */
async function annealed(
  start: JudgedSteps,
  trials: StepTrials,
  { iterations, ...choice }: Choice & { readonly iterations: number },
): Promise<JudgedSteps> {
  const { hot, cold } = authors.annealing;
  let current = start;
  for (let i = 0; i < iterations; i++) {
    const next = await trials.of(wandered(current.computed, choice));
    if (!next) break;
    const temperature = hot * (cold / hot) ** (i / iterations);
    const chance = Math.exp((current.loss - next.loss) / temperature);
    if (choice.uniform() < chance) current = next;
  }
  return current;
}

/** Steepest descent from a start, until no neighbour is better. */
async function descend(
  start: JudgedSteps,
  trials: StepTrials,
  choice: Choice,
): Promise<void> {
  let current = start;
  for (let round = 0; round < authors.rounds; round++) {
    let best = current;
    for (const computed of neighbours(current.computed, choice)) {
      const next = await trials.of(computed);
      if (next && next.loss < best.loss) best = next;
    }
    if (best === current) return;
    current = best;
  }
}

/** Tries choices of k of T steps; annealing takes half of all evaluations at most. */
export async function searchBudgeted(
  trials: StepTrials,
  choice: Choice,
): Promise<void> {
  const prefix = range(prefixOf(choice));
  const { skips } = movable(prefix, choice);
  const rest = drawn(skips, choice.k - prefix.length, choice);
  const start = (await trials.of(moved(prefix, [], rest)))!;
  const most = Math.ceil(trials.evaluations / 2);
  const iterations = Math.min(authors.annealing.iterations, most);
  const cooled = await annealed(start, trials, { ...choice, iterations });
  await descend(cooled, trials, choice);
}

/** The best steps that annealing and descent find. */
export const budCache = choiceMethod("budcache", {
  settings: "budCache",
  part: "budcache",
  lossOf: ({ trajectory }, { data }) =>
    meanSquaredError(data, trajectory[trajectory.length - 1]),
  search(trials, { k, batches, seed }) {
    const random = new TorchGenerator(seed);
    const steps = batches[0].sampler.steps.length;
    const uniform = () => random.uniform();
    return searchBudgeted(trials, { steps, k, uniform });
  },
});
