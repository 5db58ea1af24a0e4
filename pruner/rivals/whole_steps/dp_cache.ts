/**
 * DPCache (Cui et al., "Denoising as Path Planning: Training-Free Acceleration
 * of Diffusion Models with DPCache", arXiv 2602.22654): predictions between key
 * steps are forecast by a Taylor series. Keys follow from recorded trajectories
 * alone: they are the cheapest path, found by dynamic programming, under costs that
 * depend on the key before too, since the forecast reads it.
 */
import { taylor } from "@dip-go/supernet/gates";
import { type Method, noPlan, planned } from "../../method.ts";
import { cheapestKeys, pathCosts } from "../../search/forecast_path.ts";
import { callsWithin } from "../../search/whole_steps.ts";
import { taylorPlan } from "../caches/taylor_seer.ts";

/** The part that measures costs, which serve every budget. */
const costsPart = (order: number) => ({
  name: "dpcache-costs",
  reads: { order },
});

/** DPCache with as many keys as the budget pays for. */
export const dpCache: Method = {
  name: "dpcache",
  settings: ["dpCache"],
  searches: "by samples",
  reads: ({ search: { dpCache } }) => ({ dpCache }),
  parts: ({ search: { dpCache: { order } } }) => [costsPart(order)],
  async fit({ net, search: { dpCache }, ...context }, maxCost) {
    const { order, forced } = dpCache;
    const count = callsWithin(net, maxCost);
    if (count < forced) {
      return noPlan(
        `the budget pays for ${count} steps, the first ${forced} are forced`,
      );
    }
    const costs = await context.once(
      costsPart(order),
      async () => pathCosts(await context.calibration(), taylor(order)),
    );
    const keys = cheapestKeys(costs, { count, forced });
    return planned(taylorPlan(net, { keys, forecast: "model", order }));
  },
};
