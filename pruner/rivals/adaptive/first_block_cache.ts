/**
 * First Block Cache, as diffusers has it: the first block runs at every call;
 * while its residual changes little, the other blocks reuse their last residuals.
 */
import type { CacheRule, SuperNet } from "@dip-go/supernet/gates";
import { withoutStreams } from "../../refusals.ts";
import { blockOf } from "../../units.ts";
import { adaptiveMethod } from "./adaptive_method.ts";

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
const firstUnits = ({ units }: Pick<SuperNet, "units">): number =>
  units.findIndex((unit) => blockOf(unit) !== blockOf(units[0]));

/** First Block Cache at the lowest threshold whose mean cost is within the budget. */
export const firstBlock = adaptiveMethod("first-block-cache", {
  part: "first-block",
  refusal: withoutStreams,
  settings: ({ net }) => Promise.resolve({ first: firstUnits(net) }),
  rule: (_, { threshold, first }) => firstBlockCache(threshold, first),
});
