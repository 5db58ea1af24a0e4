/**
 * MagCache (Ma et al., "MagCache: Fast Video Generation with Magnitude-Aware
 * Cache", arXiv 2506.09045): the residual of all blocks together is reused while
 * the change of its norm, known from a calibration run, adds up to little. The
 * calls follow from the ratios alone, so the plan is a static one.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import { heldPlan, type Runs } from "./held_plan.ts";

/** How much is skipped. */
export interface MagCacheSettings {
  /** The largest accumulated error |1 − Π γ|. */
  readonly threshold: number;
  /** The most calls in a row that are skipped. */
  readonly maxSkip: number;
  /** The part of the calls, at the start, that is never skipped. */
  readonly retention: number;
}

/** The ratios for another number of calls: the nearest ones, halves to even. */
function resampled(
  ratios: readonly number[],
  steps: number,
): readonly number[] {
  if (ratios.length === steps) return ratios;
  return Array.from({ length: steps }, (_, t) => {
    const at = t * (ratios.length - 1) / (steps - 1);
    const below = Math.floor(at);
    const isHalf = at - below === 0.5;
    return ratios[isHalf ? below + below % 2 : Math.round(at)];
  });
}

/**
 * When the blocks run.
 *
 * @param ratios γ of each call: the mean over tokens of the residual's norm over that of the call before; 1 for the first.
 */
export function magRuns(
  ratios: readonly number[],
  steps: number,
  { threshold, maxSkip, retention }: MagCacheSettings,
): Runs {
  const first = Math.max(1, Math.trunc(retention * steps + 0.5));
  let [ratio, skipped, error] = [1, 0, 0];
  return resampled(ratios, steps).map((own, t) => {
    if (t >= first) {
      ratio *= own;
      skipped++;
      error += Math.abs(1 - ratio);
      if (error <= threshold && skipped <= maxSkip) return false;
    }
    [ratio, skipped, error] = [1, 0, 0];
    return true;
  });
}

/** The plan, on units of whole blocks. */
export const magPlan = (
  net: SuperNet,
  ratios: readonly number[],
  settings: MagCacheSettings,
): SubNetPlan => {
  const runs = magRuns(ratios, net.steps, settings);
  return heldPlan(
    net,
    (unit) => unit === net.model.output ? undefined : runs,
    { held: "residual" },
  );
};
