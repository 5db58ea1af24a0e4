/**
 * Pyramid Attention Broadcast (Zhao et al., "Real-Time Video Generation with
 * Pyramid Attention Broadcast", arXiv 2408.12588), as diffusers has it: in the
 * middle of sampling, attention is computed every N-th call and its output is
 * broadcast to the calls between. Everything else always runs.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { heldPlan, kindOf } from "./held_plan.ts";

/**
 * The plan, on units of single layers.
 *
 * @param options.timesteps The timestep of each call.
 * @param options.interval The interval N; calls count from the first one, in the range or not.
 * @param options.range The timesteps between which attention is skipped, both exclusive.
 */
export function broadcastPlan(
  net: SuperNet,
  { timesteps, interval, range: [low, high] }: {
    readonly timesteps: readonly number[];
    readonly interval: number;
    readonly range: readonly [low: number, high: number];
  },
): SubNetPlan {
  return heldPlan(
    net,
    (unit, t) =>
      kindOf(unit) !== "attention" || t % interval === 0 ||
      timesteps[t] <= low || timesteps[t] >= high,
    { held: "branch" },
  );
}
