/**
 * Gates by the energy of their gradient. Closing gate k replaces a feature f by
 * its backup, a change δ_k; to first order the image moves by J_k δ_k. With a
 * random unit cotangent v on the image, the gate's gradient is v · J_k δ_k, so
 * the mean of its square over v is the squared change of the image: one
 * backward pass measures every gate at once, closed steps included.
 *
 * A single linearisation is easily fooled. So the search walks from the dense
 * model: it closes a little, what pays least energy a MAC first, and measures
 * again where it stands. At each target, exchanges that true samples confirm
 * finish the SubNet, and the walk goes on from there.
 */
import type { DdimSampler } from "../core/samplers/ddim.ts";
import { denseGates, type Gate, type Gates } from "../supernet/gates.ts";
import { subNetMacs } from "../supernet/liveness.ts";
import type { SuperNet } from "../supernet/super_net.ts";
import type { CalibrationBatch } from "./calibration.ts";
import {
  exchange,
  type ExchangeOptions,
  gateEnergies,
  type JudgedPlan,
  repair,
  type SearchTools,
} from "./exchange.ts";
import { leastSquaresForecast } from "./forecast_fit.ts";
import { gateCosts } from "./gate_costs.ts";
import { wholeStepGates } from "./strategies/fixed_patterns.ts";
import { cheapestPath, jumpCosts } from "./strategies/searched_subset.ts";

export interface EnergySearchOptions extends ExchangeOptions {
  /** Removed fractions of the dense MACs, ascending: a SubNet is returned for each. */
  readonly sparsity: readonly number[];
  /** Measurements on the way from the dense model to the first target. */
  readonly approach: number;
}

/** A SubNet and the target it was made for. */
export interface TargetPlan extends JudgedPlan {
  readonly sparsity: number;
}

/**
 * Open gates closed, cheapest energy a MAC first, until the budget holds; a
 * closed whole step closes its row. Then {@linkcode repair}ed to fill it.
 */
export function prune(
  net: SuperNet,
  gates: Gates,
  bounds: {
    energies: readonly (readonly number[])[];
    costs: readonly number[];
    maxMacs: number;
  },
): Gates {
  const { energies, costs, maxMacs } = bounds;
  const whole = net.units.length - 1;
  const pruned = gates.map((row) => [...row]);
  const open = gates
    .flatMap((row, t) =>
      row.map((gate, n) => ({ t, n, gate, score: energies[t][n] / costs[n] }))
    )
    .filter(({ t, gate }) => t > 0 && gate === 1)
    .sort((a, b) => a.score - b.score);
  for (const { t, n } of open) {
    if (subNetMacs(net, pruned) <= maxMacs) break;
    if (n === whole) pruned[t] = pruned[t].map((): Gate => 0);
    else pruned[t][n] = 0;
  }
  return repair(net, pruned, bounds);
}

/** Whole-step gates of the cheapest path over the recorded trajectories: a second start for exchanges. */
function trajectoryStart(
  net: SuperNet,
  { sampler, batches, maxMacs }: {
    sampler: DdimSampler;
    batches: readonly CalibrationBatch[];
    maxMacs: number;
  },
): Gates {
  const call = subNetMacs(net, denseGates(net.steps, net.units.length)) /
    net.steps;
  const path = cheapestPath(
    jumpCosts(sampler, batches),
    Math.floor(maxMacs / call),
  );
  return wholeStepGates(net, path);
}

/** SubNets for every target from one walk through sparsities. */
export async function searchByEnergy(
  tools: SearchTools,
  { sparsity, approach, evaluations, tries }: EnergySearchOptions,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<TargetPlan[]> {
  const { runner, setup, batches } = tools;
  const { net } = runner;
  const costs = gateCosts(net);
  const total = approach + sparsity.length * evaluations;
  let gates = denseGates(net.steps, net.units.length);
  const all = subNetMacs(net, gates);
  const budget = (s: number) => Math.floor((1 - s) * all * (1 + 1e-12));
  const pruneTo = async (s: number, round: number) => {
    const batch = batches[round % batches.length];
    const { forecast } = await leastSquaresForecast(runner, setup, {
      gates,
      batch,
    });
    const energies = await gateEnergies(tools, { gates, forecast }, round);
    gates = prune(net, gates, { energies, costs, maxMacs: budget(s) });
  };
  for (let i = 1; i <= approach; i++) {
    await pruneTo(sparsity[0] * i / approach, i);
    onProgress(i, total);
  }
  const found: TargetPlan[] = [];
  for (const [i, target] of sparsity.entries()) {
    if (i > 0) await pruneTo(target, i);
    const maxMacs = budget(target);
    const other = trajectoryStart(net, {
      sampler: setup.sampler,
      batches,
      maxMacs,
    });
    const done = approach + i * evaluations;
    const plan = await exchange(
      tools,
      [gates, other],
      maxMacs,
      { evaluations, tries },
      (count) => onProgress(done + count, total),
    );
    found.push({ sparsity: target, ...plan });
    gates = plan.gates;
  }
  return found;
}
