/** Methods that decide while sampling, so that their mean cost meets a budget. */
import {
  type CacheRule,
  denseCost,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { planCost, planMacs } from "@dip-go/supernet/solver";
import {
  type AdaptivePlan,
  type Method,
  type MethodContext,
  noPlan,
  type SearchPart,
} from "../../method.ts";
import { sum } from "../../numbers.ts";

/** The settings of a rule besides its threshold. */
export type RuleSettings = Pick<AdaptivePlan, "first" | "polynomial">;

/** A kind of rule. */
export interface AdaptiveKind extends Required<Pick<Method, "refusal">> {
  /** The name of its searches among parts of searches. */
  readonly part: string;
  /** The part that measures its settings on the calibration batches, by sampling each once more. */
  readonly measuredPart?: SearchPart;
  /** Finds the settings, which serve all budgets. */
  settings(context: MethodContext): Promise<RuleSettings>;
  /** Makes the rule for one run of the sampler. */
  rule(
    net: SuperNet,
    settings: RuleSettings & Pick<AdaptivePlan, "threshold">,
  ): CacheRule;
}

/** The range of thresholds, and the number of bisections of it on a log scale. */
const sought = { low: 1e-3, high: 4, halvings: 8 };

/** The plan of a threshold, with its mean costs over the calibration batches. */
async function measured(
  { net, runner, search: { batch: images }, ...context }: MethodContext,
  { rule }: AdaptiveKind,
  settings: RuleSettings & Pick<AdaptivePlan, "threshold">,
): Promise<AdaptivePlan> {
  const batches = await context.calibration();
  let [macs, cost] = [0, 0];
  for (const batch of batches) {
    const { plan } = await runner.sampleByRule(batch, rule(net, settings));
    macs += planMacs(net, plan) / images / batches.length;
    cost += planCost(net, plan) / images / batches.length;
  }
  return { kind: "adaptive", ...settings, macs, cost };
}

/** Makes the method of a kind of rule at the lowest threshold whose mean cost is within the budget. */
export function adaptiveMethod(name: string, kind: AdaptiveKind): Method {
  const { part, measuredPart, refusal } = kind;
  const searchPart = (maxCost: number): SearchPart => ({
    name: `${part}-${Math.floor(maxCost)}`,
    reads: {},
  });
  return {
    name,
    unplanned: "it decides while sampling",
    searches: "by samples",
    refusal,
    reads: () => ({}),
    parts: ({ maxCost }) => [
      ...measuredPart ? [measuredPart] : [],
      searchPart(maxCost),
    ],
    searchCost: ({ net, search: { calibration }, budgets }) =>
      calibration *
      ((measuredPart ? denseCost(net) : 0) +
        (1 + sought.halvings) * sum(budgets)),
    async fit(context, maxCost) {
      const { search: { batch } } = context;
      const fits = ({ cost }: AdaptivePlan) => batch * cost <= maxCost;
      const settings = await kind.settings(context);
      const at = (threshold: number) =>
        measured(context, kind, { ...settings, threshold });
      const found = await context.once(searchPart(maxCost), async () => {
        let low = sought.low;
        let best = await at(sought.high);
        for (let i = 0; i < sought.halvings && fits(best); i++) {
          const next = await at(Math.sqrt(low * best.threshold));
          if (fits(next)) best = next;
          else low = next.threshold;
          context.progress(i + 1, sought.halvings);
        }
        return best;
      });
      return fits(found) ? found : noPlan("no threshold fits the budget");
    },
  };
}
