/** The rule of any plan that is decided while sampling. */
import type { CacheRule, SuperNet } from "@dip-go/supernet/gates";
import type { AdaptivePlan } from "../../method.ts";
import { firstBlockCache } from "./first_block_cache.ts";
import { teaCacheRule } from "./tea_cache.ts";

/** Makes the rule of a plan, for one run of the sampler. */
export const adaptiveRule = (
  net: SuperNet,
  { first, threshold, polynomial }: AdaptivePlan,
): CacheRule =>
  polynomial
    ? teaCacheRule(net, { threshold, polynomial })
    : firstBlockCache(threshold, first);
