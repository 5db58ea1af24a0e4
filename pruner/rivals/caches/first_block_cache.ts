/**
 * First Block Cache, as diffusers has it: the first block runs at every call;
 * while what it adds to the stream changes little, the other blocks add what they
 * last added. Decided while sampling.
 */
import type { CacheRule } from "@dip-go/supernet/gates";

/** @param threshold The largest relative change at which blocks are reused. */
export const firstBlockCache = (threshold: number): CacheRule => ({
  first: 1,
  last: 0,
  reuses: async (t, change) => t > 0 && await change() <= threshold,
});
