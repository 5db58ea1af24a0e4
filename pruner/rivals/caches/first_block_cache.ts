/**
 * First Block Cache, as diffusers has it: the first block runs at every call;
 * while its residual changes little, the other blocks reuse their last residuals.
 * The rule decides while sampling, so that its mean cost meets a budget.
 */
import type { CacheRule, SuperNet } from "@dip-go/supernet/gates";
import { planCost, planMacs } from "@dip-go/supernet/solver";
import {
  type AdaptivePlan,
  type Method,
  type MethodContext,
  noPlan,
} from "../../method.ts";
import { sum } from "../../numbers.ts";
import { withoutStreams } from "../../refusals.ts";

/**
 * Makes the rule.
 *
 * @param threshold The largest relative change at which blocks are reused.
 * @param first The number of units of the first block.
 */
export const firstBlockCache = (threshold: number, first = 1): CacheRule => ({
  first,
  last: 0,
  reuses: async (t, change) => t > 0 && await change() <= threshold,
});

/** The number of units of the first block. */
function firstUnits({ units }: Pick<SuperNet, "units">): number {
  const blockOf = (unit: string) => unit.replace(/\.(attn\d?|ff)$/, "");
  return units.findIndex((unit) => blockOf(unit) !== blockOf(units[0]));
}

/** The range of thresholds, and the number of bisections of it on a log scale. */
const sought = { low: 1e-3, high: 4, halvings: 8 };

/** The plan of a threshold, with its mean costs over the calibration batches. */
async function measured(
  { net, runner, search: { batch: images }, ...context }: MethodContext,
  threshold: number,
): Promise<AdaptivePlan> {
  const batches = await context.calibration();
  const first = firstUnits(net);
  let [macs, cost] = [0, 0];
  for (const batch of batches) {
    const rule = firstBlockCache(threshold, first);
    const { plan } = await runner.sampleByRule(batch, rule);
    macs += planMacs(net, plan) / images / batches.length;
    cost += planCost(net, plan) / images / batches.length;
  }
  return { kind: "adaptive", first, threshold, macs, cost };
}

const searchPart = (maxCost: number) => ({
  name: `first-block-${Math.floor(maxCost)}`,
  reads: {},
});

/** First Block Cache at the lowest threshold whose mean cost is within the budget. */
export const firstBlock: Method = {
  name: "first-block-cache",
  unplanned: "it decides while sampling",
  searches: "by samples",
  refusal: withoutStreams,
  reads: () => ({}),
  parts: ({ maxCost }) => [searchPart(maxCost)],
  searchCost: ({ search: { calibration }, budgets }) =>
    (1 + sought.halvings) * calibration * sum(budgets),
  async fit(context, maxCost) {
    const { search: { batch } } = context;
    const fits = ({ cost }: AdaptivePlan) => batch * cost <= maxCost;
    const found = await context.once(searchPart(maxCost), async () => {
      let low = sought.low;
      let best = await measured(context, sought.high);
      for (let i = 0; i < sought.halvings && fits(best); i++) {
        const threshold = Math.sqrt(low * best.threshold);
        const next = await measured(context, threshold);
        if (fits(next)) best = next;
        else low = threshold;
        context.progress(i + 1, sought.halvings);
      }
      return best;
    });
    return fits(found) ? found : noPlan("no threshold fits the budget");
  },
};
