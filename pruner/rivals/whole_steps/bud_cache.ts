/**
 * BudCache (Westlake-AGI-Lab/BudCache): exactly so many steps compute, and
 * which ones is searched on true samples, by simulated annealing, then by
 * steepest descent. The last prediction is held in between.
 */
import { TorchGenerator } from "@dip-go/core/random";
import {
  type FitTask,
  type Method,
  type MethodContext,
  planned,
  type SearchPart,
} from "../../method.ts";
import {
  callsWithin,
  meanSquaredError,
  wholeStepGates,
} from "../../search/whole_steps.ts";

/** As the authors' configurations have it. */
const authors = {
  annealing: { iterations: 200, hot: 0.05, cold: 1e-5 },
  rounds: 20,
  /** How far a step moves in most moves. */
  reach: 3,
  /** Moves of a step to anywhere in a round of descent. */
  far: 2,
};

/** What is searched: k of T steps. */
interface Choice {
  readonly steps: number;
  readonly k: number;
  /** Numbers in [0, 1). */
  readonly uniform: () => number;
}

/** The first quarter stays. */
const prefixOf = ({ k }: Choice): number => Math.max(1, Math.floor(k / 4));

/** The steps behind the prefix, those that compute and the others. */
function movable(computed: readonly number[], choice: Choice) {
  const from = prefixOf(choice);
  const all = Array.from({ length: choice.steps }, (_, t) => t).slice(from);
  return {
    computes: all.filter((t) => computed.includes(t)),
    skips: all.filter((t) => !computed.includes(t)),
  };
}

/** So many of a list, at random. */
function drawn<Item>(
  list: readonly Item[],
  count: number,
  { uniform }: Choice,
): Item[] {
  const rest = [...list];
  return Array.from(
    { length: count },
    () => rest.splice(Math.floor(uniform() * rest.length), 1)[0],
  );
}

/** Steps that compute, some replaced by others. */
const moved = (
  computed: readonly number[],
  sources: readonly number[],
  targets: readonly number[],
): number[] =>
  [...computed.filter((t) => !sources.includes(t)), ...targets]
    .sort((a, b) => a - b);

const isNear = (a: number, b: number) => Math.abs(a - b) <= authors.reach;

/** A move of annealing: of one step, mostly to one nearby, or now and then of two. */
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

/** The moves of a round of descent: each step to all nearby, and to a few anywhere. */
function neighbours(computed: readonly number[], choice: Choice): number[][] {
  const { computes, skips } = movable(computed, choice);
  if (skips.length === 0) return [];
  return computes.flatMap((source) => {
    const far = Array.from(
      { length: authors.far },
      () => drawn([...computes, ...skips], 1, choice)[0],
    );
    return [
      ...skips.filter((t) => isNear(t, source)),
      ...far.filter((t) => skips.includes(t)),
    ].map((target) => moved(computed, [source], [target]));
  });
}

/** Steps that compute, and the distance of their images from the full sampler's. */
interface Judged {
  readonly computed: readonly number[];
  readonly loss: number;
}

type Judge = (computed: readonly number[]) => Promise<Judged>;

/** Simulated annealing from a start, its temperature falling geometrically. */
async function annealed(
  start: Judged,
  judge: Judge,
  { iterations, ...choice }: Choice & { readonly iterations: number },
): Promise<Judged> {
  const { hot, cold } = authors.annealing;
  let current = start;
  for (let i = 0; i < iterations; i++) {
    const next = await judge(wandered(current.computed, choice));
    const temperature = hot * (cold / hot) ** (i / iterations);
    const chance = Math.exp((current.loss - next.loss) / temperature);
    if (choice.uniform() < chance) current = next;
  }
  return current;
}

/** Steepest descent from a start, until no neighbour is better. */
async function descend(
  start: Judged,
  judge: Judge,
  choice: Choice,
): Promise<void> {
  let current = start;
  for (let round = 0; round < authors.rounds; round++) {
    let best = current;
    for (const computed of neighbours(current.computed, choice)) {
      const next = await judge(computed);
      if (next.loss < best.loss) best = next;
    }
    if (best === current) return;
    current = best;
  }
}

/**
 * The best choice of k of T steps that was tried, ascending.
 *
 * @param evaluate Distance of the images from the full sampler's; called `evaluations` times at most, half of them by annealing.
 */
export async function searchBudgeted(
  choice: Choice,
  { evaluate, evaluations, onEvaluation = () => {} }: {
    readonly evaluate: (computed: readonly number[]) => Promise<number>;
    readonly evaluations: number;
    readonly onEvaluation?: (done: number, least: number) => void;
  },
): Promise<readonly number[]> {
  const known = new Map<string, number>();
  let best: Judged = { computed: [], loss: Infinity };
  const judge: Judge = async (computed) => {
    const key = computed.join();
    const loss = known.get(key) ??
      (known.size < evaluations ? await evaluate(computed) : Infinity);
    if (known.has(key) || known.size === evaluations) return { computed, loss };
    known.set(key, loss);
    if (loss < best.loss) best = { computed, loss };
    onEvaluation(known.size, best.loss);
    return { computed, loss };
  };
  const prefix = Array.from({ length: prefixOf(choice) }, (_, t) => t);
  const { skips } = movable(prefix, choice);
  const rest = drawn(skips, choice.k - prefix.length, choice);
  const start = await judge(moved(prefix, [], rest));
  const most = Math.ceil(evaluations / 2);
  const iterations = Math.min(authors.annealing.iterations, most);
  await descend(
    await annealed(start, judge, { ...choice, iterations }),
    judge,
    choice,
  );
  return best.computed;
}

/** The search for one budget. */
const searchPart = (
  { net, search: { budCache }, maxCost }: Omit<FitTask, "sparsity">,
): SearchPart => ({
  name: `budcache-${callsWithin(net, maxCost)}`,
  reads: budCache,
});

/** Distance of a choice's final latents from the full sampler's on the first batch. */
async function judgeOf({ net, runner, ...context }: MethodContext) {
  const [batch] = await context.calibration();
  const target = batch.trajectory[net.steps];
  return async (computed: readonly number[]) => {
    const gates = wholeStepGates(net, computed);
    const { data } = await runner.sample({ ...batch, gates });
    return meanSquaredError(data, target);
  };
}

/** The best steps that annealing and descent find. */
export const budCache: Method = {
  name: "budcache",
  settings: ["budCache"],
  searches: "by samples",
  reads: ({ search: { budCache } }) => ({ budCache }),
  parts: (task) => [searchPart(task)],
  searchCost: ({ search, budgets }) =>
    search.budCache.evaluations * budgets.reduce((a, b) => a + b, 0),
  async fit(context, maxCost) {
    const { net, search, once, seed } = context;
    const k = callsWithin(net, maxCost);
    if (k < 1) {
      return { kind: "none", note: "one computed step exceeds the budget" };
    }
    const { name, reads } = searchPart({ net, search, maxCost });
    const { evaluations } = search.budCache;
    const computed = await once(name, async () => {
      const random = new TorchGenerator(seed);
      const uniform = () => random.uniform();
      return await searchBudgeted({ steps: net.steps, k, uniform }, {
        evaluate: await judgeOf(context),
        evaluations,
        onEvaluation: (done, loss) =>
          context.progress(done, evaluations, { loss }),
      });
    }, reads);
    return planned({ gates: wholeStepGates(net, computed) });
  },
};
