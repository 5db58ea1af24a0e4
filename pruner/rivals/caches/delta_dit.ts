/**
 * Δ-DiT (Chen et al., "Δ-DiT: A Training-Free Acceleration Method Tailored for
 * Diffusion Transformers", arXiv 2406.01125): between key steps, a range of blocks
 * adds what it added at the last key step. Early steps leave out the rear blocks,
 * which make details; later ones the front blocks, which make outlines.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { withoutStreams } from "../../refusals.ts";
import { blockOf } from "../../units.ts";
import { keyMethod, uniformKeys } from "../key_method.ts";
import { heldPlan } from "./held_plan.ts";

/** The authors' boundary, of 20 steps, and the share of blocks of which every second step gives their 1.6 times fewer MACs. */
const authors = { boundary: 12 / 20, share: 3 / 4 };

/**
 * The plan of Δ-DiT, whose units hold residuals.
 *
 * @param keys The steps at which all blocks run.
 */
export function deltaDitPlan(
  net: SuperNet,
  keys: readonly number[],
): SubNetPlan {
  const blocks = [...new Set(net.units.slice(0, -1).map(blockOf))];
  const left = Math.round(authors.share * blocks.length);
  const boundary = Math.round(authors.boundary * net.steps);
  const rear = new Set(blocks.slice(-left));
  const front = new Set(blocks.slice(0, left));
  const skipped = (t: number) => t < boundary ? rear : front;
  return heldPlan(
    net,
    (unit, t) => keys.includes(t) || !skipped(t).has(blockOf(unit)),
    { held: "residual" },
  );
}

/** Δ-DiT at the smallest interval that fits. */
export const deltaDit = keyMethod("delta-dit", {
  keys: uniformKeys,
  plan: deltaDitPlan,
  refusal: withoutStreams,
});
