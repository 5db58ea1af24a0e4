/**
 * Gates by the energy of their gradient, with a fitted forecast for skipped steps:
 * this project's own method. Closing gate k replaces a feature f by its backup, a
 * change δ_k; to first order the image moves by J_k δ_k. With a random unit
 * cotangent v on the image, the gate's gradient is v · J_k δ_k, so the mean of
 * its square over v is the mean squared change of the image: one backward pass
 * measures every gate at once, closed steps included.
 *
 * A single linearisation is easily fooled. So the search walks from the full model:
 * it closes some gates, the least energy for its cost first, and measures again
 * there. At each target, exchanges that true samples confirm finish the SubNet, and
 * the walk goes on from it.
 */
import { TorchGenerator } from "@dip-go/core/random";
import {
  costBudget,
  denseCost,
  denseGates,
  type Gates,
  subNetCost,
} from "@dip-go/supernet/gates";
import { gateCosts, gradientCost } from "../budget/gate_costs.ts";
import {
  type Method,
  type MethodContext,
  planned,
  type PricedSearch,
} from "../method.ts";
import { sum } from "../numbers.ts";
import { closeCheapest } from "./closing.ts";
import {
  exchange,
  gateEnergies,
  type JudgedPlan,
  type SearchTools,
} from "./exchange.ts";
import {
  leastSquaresForecast,
  refineCost,
  refineForecast,
  sampledPlan,
} from "./forecast_fit.ts";
import { cheapestPath } from "./forecast_path.ts";
import { callsWithin, jumpCosts, wholeStepGates } from "./whole_steps.ts";

/** Closes gates to a budget by their energies under the forecast that fits best. */
async function walkOn(
  tools: SearchTools,
  gates: Gates,
  { maxCost, round }: { maxCost: number; round: number },
): Promise<Gates> {
  const { runner, batches } = tools;
  const batch = batches[round % batches.length];
  const { forecast } = await leastSquaresForecast(runner, { gates, batch });
  const energies = await gateEnergies(tools, { gates, forecast }, round);
  const costs = gateCosts(runner.net);
  return closeCheapest(runner.net, gates, { energies, costs, maxCost });
}

/** The parts of the search: the walk to the first target, then one part for each target. */
const energyParts = (
  { search: { energy }, sparsity }: Pick<MethodContext, "search" | "sparsity">,
) =>
  ["approach", ...sparsity.map((target) => `target-${target}`)]
    .map((name, i) => ({
      name: `energy-${name}`,
      reads: { energy, sparsity: sparsity.slice(0, Math.max(1, i)) },
    }));

/**
 * Finds SubNets for all targets of a context in one walk through sparsities. Each
 * stage is kept and has a generator of its own, so that a killed search goes on
 * with the stage it was in.
 */
export async function searchByEnergy(
  context: MethodContext,
): Promise<JudgedPlan[]> {
  const { net, runner, sparsity, seed, search: { energy } } = context;
  const { approach, evaluations } = energy;
  const batches = await context.calibration();
  const form = await context.form();
  const dense = denseCost(net);
  const total = approach + sparsity.length * evaluations;
  const stage = (i: number): SearchTools => ({
    runner,
    form,
    batches,
    random: new TorchGenerator(seed + i),
  });
  const [start, ...parts] = energyParts(context);
  let gates = await context.once(start, async () => {
    const tools = stage(0);
    let gates = denseGates(net.steps, net.units.length);
    for (let round = 1; round <= approach; round++) {
      const maxCost = costBudget(dense, sparsity[0] * round / approach);
      gates = await walkOn(tools, gates, { maxCost, round });
      context.progress(round, total);
    }
    return gates;
  });
  const found: JudgedPlan[] = [];
  for (const [i, target] of sparsity.entries()) {
    const before = gates;
    const done = approach + i * evaluations;
    const plan = await context.once(parts[i], async () => {
      const tools = stage(i + 1);
      const maxCost = costBudget(dense, target);
      const walked = i === 0
        ? before
        : await walkOn(tools, before, { maxCost, round: i });
      const path = cheapestPath(
        jumpCosts(batches),
        callsWithin(net, maxCost),
      );
      return await exchange(
        tools,
        [walked, wholeStepGates(net, path)],
        { maxCost, ...energy },
        (count, loss) =>
          context.progress(done + count, total, { "fidelity (dB)": -loss }),
      );
    });
    found.push(plan);
    gates = plan.gates;
  }
  return found;
}

/** The cost of gradients on the walk and for every few tries at targets, and of plans judged on two batches. */
function energyCost({ net, search, budgets }: PricedSearch): number {
  const { approach, evaluations, tries } = search.energy;
  const gradients = approach + budgets.length * Math.ceil(evaluations / tries);
  return gradients * gradientCost(net) + 2 * evaluations * sum(budgets);
}

/** Gates by gradient energy, from one walk for all budgets, and a forecast that is fitted and refined. */
export const energyForecast: Method = {
  name: "energy+forecast",
  settings: ["energy", "refine"],
  searches: "by gradient",
  reads: ({ search: { energy, refine }, sparsity }) => ({
    energy,
    refine,
    sparsity,
  }),
  parts: energyParts,
  searchCost: (search) => energyCost(search) + refineCost(search),
  async fit(context, maxCost) {
    const { net, search: { energy, refine } } = context;
    const found = await searchByEnergy(context);
    const best = found.find(({ gates }) => subNetCost(net, gates) <= maxCost)!;
    if (energy.forecast === "held") return planned({ gates: best.gates });
    if (energy.forecast === "fitted") return planned(sampledPlan(net, best));
    const batches = await context.calibration();
    const tools = { form: await context.form(), batches };
    const refined = await refineForecast(tools, best, refine);
    return planned(sampledPlan(net, refined));
  },
};
