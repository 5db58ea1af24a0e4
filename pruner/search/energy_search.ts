/**
 * Gates by the energy of their gradient. Closing gate k replaces a feature f by
 * its backup, a change δ_k; to first order the image moves by J_k δ_k. With a
 * random unit cotangent v on the image, the gate's gradient is v · J_k δ_k, so
 * the mean of its square over v is the squared change of the image: one
 * backward pass measures every gate at once, closed steps included.
 *
 * A single linearisation is easily fooled. So the search walks from the dense
 * model: it closes a little, what pays least energy for its cost first, and measures
 * again where it stands. At each target, exchanges that true samples confirm
 * finish the SubNet, and the walk goes on from there.
 */
import { TorchGenerator } from "@dip-go/core/random";
import type { Sampler } from "@dip-go/core/samplers";
import {
  costBudget,
  denseCost,
  denseGates,
  type Gate,
  type Gates,
  subNetCost,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { CalibrationBatch } from "../calibration/calibration.ts";
import {
  exchange,
  type ExchangeOptions,
  gateEnergies,
  type JudgedPlan,
  repair,
  type SearchTools,
} from "./exchange.ts";
import { leastSquaresForecast } from "./forecast_fit.ts";
import { gateCosts } from "../budget/gate_costs.ts";
import { wholeStepGates } from "../rivals/fixed_patterns.ts";
import { cheapestPath, jumpCosts } from "../rivals/searched_subset.ts";

export interface EnergySearchOptions extends ExchangeOptions {
  /** Removed fractions of the dense cost, ascending: a SubNet is returned for each. */
  readonly sparsity: readonly number[];
  /** Of the random cotangents. */
  readonly seed: number;
  /** Measurements on the way from the dense model to the first target. */
  readonly approach: number;
}

/** A SubNet and the target it was made for. */
export interface TargetPlan extends JudgedPlan {
  readonly sparsity: number;
}

/**
 * Open gates closed, cheapest energy for its cost first, until the budget holds; a
 * closed whole step closes its row. Then {@linkcode repair}ed to fill it.
 */
export function prune(
  net: SuperNet,
  gates: Gates,
  bounds: {
    energies: readonly (readonly number[])[];
    costs: readonly number[];
    maxCost: number;
  },
): Gates {
  const { energies, costs, maxCost } = bounds;
  const whole = net.units.length - 1;
  const pruned = gates.map((row) => [...row]);
  const open = gates
    .flatMap((row, t) =>
      row.map((gate, n) => ({ t, n, gate, score: energies[t][n] / costs[n] }))
    )
    .filter(({ t, gate }) => t > 0 && gate === 1)
    .sort((a, b) => a.score - b.score);
  for (const { t, n } of open) {
    if (subNetCost(net, pruned) <= maxCost) break;
    if (n === whole) pruned[t] = pruned[t].map((): Gate => 0);
    else pruned[t][n] = 0;
  }
  return repair(net, pruned, bounds);
}

/** Whole-step gates of the cheapest path over the recorded trajectories: a second start for exchanges. */
function trajectoryStart(
  net: SuperNet,
  { sampler, batches, maxCost }: {
    sampler: Sampler;
    batches: readonly CalibrationBatch[];
    maxCost: number;
  },
): Gates {
  const call = denseCost(net) / net.steps;
  const path = cheapestPath(
    jumpCosts(sampler, batches),
    Math.floor(maxCost / call),
  );
  return wholeStepGates(net, path);
}

/** Keeps what a stage of a search found, or gives back what a run before kept for the same stage of the same targets so far. */
export type KeepStage = <T>(
  stage: string,
  make: () => Promise<T>,
  sparsity: readonly number[],
) => Promise<T>;

/** One walk; each stage has a generator of its own, so that a killed search goes on with the stage it was in. */
class EnergyWalk {
  readonly #costs: readonly number[];
  readonly #denseCost: number;

  constructor(
    private readonly tools: Omit<SearchTools, "random">,
    private readonly options: EnergySearchOptions,
    private readonly onEvaluation: () => void,
  ) {
    const { net } = tools.runner;
    this.#costs = gateCosts(net);
    this.#denseCost = denseCost(net);
  }

  /** From the dense model to the first target, a little at a time. */
  async approach(): Promise<Gates> {
    const { sparsity: [first], approach } = this.options;
    const tools = this.#toolsOf(0);
    const { net } = tools.runner;
    let gates = denseGates(net.steps, net.units.length);
    for (let i = 1; i <= approach; i++) {
      const maxCost = this.#budget(first * i / approach);
      gates = await this.#pruned(tools, gates, { maxCost, round: i });
      this.onEvaluation();
    }
    return gates;
  }

  /** The i-th target, from the SubNet of the one before. */
  async target(i: number, before: Gates): Promise<TargetPlan> {
    const { sparsity: { [i]: sparsity }, evaluations, tries } = this.options;
    const tools = this.#toolsOf(i + 1);
    const maxCost = this.#budget(sparsity);
    const walked = i === 0
      ? before
      : await this.#pruned(tools, before, { maxCost, round: i });
    const { setup: { sampler }, batches, runner: { net } } = tools;
    const other = trajectoryStart(net, { sampler, batches, maxCost });
    const starts = [walked, other];
    const plan = await exchange(
      tools,
      starts,
      { maxCost, evaluations, tries },
      this.onEvaluation,
    );
    return { sparsity, ...plan };
  }

  #toolsOf(stage: number): SearchTools {
    const random = new TorchGenerator(this.options.seed + stage);
    return { ...this.tools, random };
  }

  #budget(sparsity: number): number {
    return costBudget(this.#denseCost, sparsity);
  }

  async #pruned(
    tools: SearchTools,
    gates: Gates,
    { maxCost, round }: { maxCost: number; round: number },
  ): Promise<Gates> {
    const { runner, setup, batches } = tools;
    const batch = batches[round % batches.length];
    const { forecast } = await leastSquaresForecast(runner, setup, {
      gates,
      batch,
    });
    const energies = await gateEnergies(tools, { gates, forecast }, round);
    return prune(runner.net, gates, { energies, costs: this.#costs, maxCost });
  }
}

/** SubNets for every target from one walk through sparsities. */
export async function searchByEnergy(
  tools: Omit<SearchTools, "random">,
  options: EnergySearchOptions,
  { keep, onProgress = () => {} }: {
    keep: KeepStage;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<TargetPlan[]> {
  const { sparsity, approach, evaluations } = options;
  const total = approach + sparsity.length * evaluations;
  let done = 0;
  const walk = new EnergyWalk(tools, options, () => onProgress(++done, total));
  let gates = await keep(
    "approach",
    () => walk.approach(),
    sparsity.slice(0, 1),
  );
  const found: TargetPlan[] = [];
  for (const [i, target] of sparsity.entries()) {
    const from = gates;
    const plan = await keep(
      `target-${target}`,
      () => walk.target(i, from),
      sparsity.slice(0, i + 1),
    );
    found.push(plan);
    gates = plan.gates;
    done = approach + (i + 1) * evaluations;
  }
  return found;
}
