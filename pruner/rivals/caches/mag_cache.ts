/**
 * MagCache (Ma et al., "MagCache: Fast Video Generation with Magnitude-Aware
 * Cache", arXiv 2506.09045): the residual of all blocks together is reused while
 * the change of its norm, known from a calibration run, adds up to little. The
 * calls follow from the ratios alone, so the plan is a static one.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import type { SubNetRunner, UnitValue } from "@dip-go/supernet/sampling";
import type { CalibrationBatch } from "../../calibration.ts";
import { range, rowsOf } from "../../numbers.ts";
import { withoutStreams } from "../../refusals.ts";
import { blockAt } from "../../units.ts";
import { calibratedMethod, watchUnits } from "./calibrated_method.ts";
import { innerPlan } from "./held_plan.ts";

/** The limits of skipping. */
export interface MagCacheSettings {
  /** The largest sum of errors |1 − Π γ| over calls in a row. */
  readonly threshold: number;
  /** The most calls in a row that are skipped. */
  readonly maxSkip: number;
  /** The part of the calls, at the start, that is never skipped. */
  readonly retention: number;
}

/** The ratios for another number of calls: the nearest, halves to even, by float32 places as in diffusers. */
function resampled(
  ratios: readonly number[],
  steps: number,
): readonly number[] {
  if (ratios.length === steps) return ratios;
  const scale = Math.fround((ratios.length - 1) / (steps - 1));
  return range(steps).map((t) => {
    const at = Math.fround(t * scale);
    const below = Math.floor(at);
    const isHalf = at - below === 0.5;
    return ratios[isHalf ? below + below % 2 : Math.round(at)];
  });
}

/**
 * Whether the blocks run at each call.
 *
 * @param ratios γ of each call: the mean over tokens of the residual's norm over that of the call before; 1 for the first.
 */
export function magRuns(
  ratios: readonly number[],
  steps: number,
  { threshold, maxSkip, retention }: MagCacheSettings,
): boolean[] {
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
  return innerPlan(net, (t) => runs[t], { held: "residual" });
};

/**
 * γ of each call, measured on full runs.
 *
 * @param batches The batches, whose mean ratios are averaged.
 */
export async function magRatios(
  runner: SubNetRunner,
  batches: readonly CalibrationBatch[],
): Promise<number[]> {
  const { net } = runner;
  const { blocks, units, steps } = net;
  const [{ shape }] = blocks[blockAt(net, units[0])].graph.outputs;
  const width = shape[shape.length - 1];
  const sums = Array<number>(steps).fill(0);
  for (const batch of batches) {
    const residuals: Float32Array[] = [];
    const watch = ({ step, value }: UnitValue) => {
      const sum = residuals[step];
      residuals[step] = sum ? sum.map((x, i) => x + value[i]) : value;
    };
    await watchUnits(runner, batch, { held: "residual", watch });
    const norms = residuals.map((residual) => tokenNorms(residual, width));
    norms.slice(1).forEach((own, t) =>
      sums[t + 1] += own.reduce((sum, norm, i) =>
        sum + norm / (norms[t][i] + 1e-8), 0) / own.length
    );
  }
  return sums.map((sum, t) => t === 0 ? 1 : sum / batches.length);
}

/** The norm of each token, `[2B L]`. */
const tokenNorms = (tokens: Float32Array, width: number): number[] =>
  rowsOf(tokens, tokens.length / width).map((token) => Math.hypot(...token));

/** The authors' settings for 28 steps. */
const authors = { maxSkip: 5, retention: 0.1 };

/** Plans by ascending threshold, then again with more skipped calls in a row. */
function* plans(
  net: SuperNet,
  ratios: readonly number[],
): Generator<SubNetPlan> {
  for (const more of range(net.steps)) {
    const maxSkip = authors.maxSkip + more;
    for (let threshold = 0.01; threshold < net.steps; threshold *= 1.05) {
      yield magPlan(net, ratios, { ...authors, threshold, maxSkip });
    }
  }
}

/** MagCache at the lowest threshold within the budget; if none is, it skips more calls in a row. */
export const magCache = calibratedMethod("magcache", {
  part: "mag-ratios",
  refusal: withoutStreams,
  measure: magRatios,
  plans,
});
