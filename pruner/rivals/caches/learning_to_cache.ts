/**
 * Learning-to-Cache (Ma et al., "Learning-to-Cache: Accelerating Diffusion
 * Transformer via Layer Caching", arXiv 2406.01733): every second call may reuse
 * layers of the call before it, as a trained router for each such call decides.
 */
import {
  denseCost,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { gradientCost } from "../../budget/gate_costs.ts";
import { type Method, noPlan, planned } from "../../method.ts";
import { range } from "../../numbers.ts";
import { withoutStreams } from "../../refusals.ts";
import type { SearchSettings } from "../../search_settings.ts";
import { heldPlan } from "./held_plan.ts";
import { type Routers, trainRouters } from "./router_training.ts";

/**
 * The plan, on units of single layers.
 *
 * @param computes Whether each unit is computed, in execution order, at the calls 1, 3, 5, ….
 * @throws {RangeError} If the number of calls or of units is wrong.
 */
export function routedPlan(
  net: SuperNet,
  computes: readonly (readonly boolean[])[],
): SubNetPlan {
  const [calls, units] = [Math.floor(net.steps / 2), net.units.length - 1];
  const found = computes.map((row) => row.length);
  if (found.length !== calls || found.some((length) => length !== units)) {
    throw new RangeError(
      `Cannot route layers: found masks of [${found}] units, expected ${calls} of ${units}`,
    );
  }
  return heldPlan(
    net,
    (unit, t) =>
      unit === net.model.output || t % 2 === 0 ||
      computes[(t - 1) / 2][net.units.indexOf(unit)],
    { held: "branch" },
  );
}

/** The plan that closes the `closed` units of lowest router values. */
function closedPlan(
  net: SuperNet,
  routers: Routers,
  closed: number,
): SubNetPlan {
  const ranked = routers
    .flatMap((gates, p) => gates.map((gate, n) => ({ gate, p, n })))
    .sort((a, b) => a.gate - b.gate);
  const computes = routers.map((gates) => gates.map(() => true));
  for (const { p, n } of ranked.slice(0, closed)) computes[p][n] = false;
  return routedPlan(net, computes);
}

/** The plan of the lowest threshold on routers at which the budget pays for all units above it. */
function thresholdPlan(
  net: SuperNet,
  routers: Routers,
  maxCost: number,
): SubNetPlan {
  let [low, high] = [0, routers.flat().length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const fits = planCost(net, closedPlan(net, routers, middle)) <= maxCost;
    [low, high] = fits ? [low, middle] : [middle + 1, high];
  }
  return closedPlan(net, routers, high);
}

const trainingPart = (
  { routers }: SearchSettings,
  maxCost: number,
) => ({
  name: `routers-${Math.floor(maxCost)}`,
  reads: routers,
});

/** Learning-to-Cache, with routers that are trained for each budget. */
export const learningToCache: Method = {
  name: "learning-to-cache",
  settings: ["routers"],
  searches: "by gradient",
  refusal: withoutStreams,
  reads: ({ search: { routers } }) => ({ routers }),
  parts: ({ search, maxCost }) => [trainingPart(search, maxCost)],
  searchCost: ({ net, search: { routers }, budgets }) =>
    budgets.length * routers.iterations * gradientCost(net) * 2 / net.steps,
  async fit(context, maxCost) {
    const { net, runner, search, seed, once } = context;
    const none = range(Math.floor(net.steps / 2))
      .map(() => net.units.slice(0, -1).map(() => false));
    const least = planCost(net, routedPlan(net, none));
    if (least > maxCost) return noPlan("every second call is computed whole");
    const share = (maxCost - least) / (denseCost(net) - least);
    const { iterations } = search.routers;
    const onIteration = (done: number) => context.progress(done, iterations);
    const routers = await once(trainingPart(search, maxCost), async () => {
      const batches = await context.calibration();
      const options = { share, seed, onIteration, ...search.routers };
      return await trainRouters(runner, batches, options);
    });
    return planned(thresholdPlan(net, routers, maxCost));
  },
};
