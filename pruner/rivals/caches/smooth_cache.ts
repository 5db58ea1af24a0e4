/**
 * SmoothCache (Liu et al., "SmoothCache: A Universal Inference Acceleration
 * Technique for Diffusion Transformers", arXiv 2411.10510): a layer's output is
 * reused for as many calls as its relative change in calibration runs stays
 * below a threshold. All attention layers have one schedule, all MLPs another.
 */
import {
  relativeChange,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { SubNetRunner, UnitValue } from "@dip-go/supernet/sampling";
import type { CalibrationBatch } from "../../calibration.ts";
import { range, sum } from "../../numbers.ts";
import { calibratedMethod, watchUnits } from "./calibrated_method.ts";
import { withoutResiduals } from "../../refusals.ts";
import { heldPlan, kindOf } from "./held_plan.ts";

/** The most calls that reuse one computed call. */
const lookahead = 3;

/**
 * The error of call s at lag l, `[T][lags]`, lag 1 first: the mean over layers and
 * runs of |F_s − F_(s+l)|₁ / |F_(s+l)|₁; null if call s + l does not exist.
 */
export type LagErrors = readonly (readonly (number | null)[])[];

/** Whether layers of one kind run at each call. @param threshold The largest error at which call s + l reuses call s. */
export function smoothRuns(errors: LagErrors, threshold: number): boolean[] {
  const runs = errors.map(() => false);
  for (let s = 0; s < runs.length;) {
    runs[s] = true;
    const lag = errors[s].findLastIndex((error) =>
      error !== null && error <= threshold
    );
    s += lag + 2;
  }
  runs[runs.length - 1] = true;
  return runs;
}

/** The errors of both kinds of layers. */
export type SmoothErrors = Readonly<Record<"attention" | "mlp", LagErrors>>;

/** The plan, on units of single layers. */
export function smoothPlan(
  net: SuperNet,
  errors: SmoothErrors,
  threshold: number,
): SubNetPlan {
  const runs = {
    attention: smoothRuns(errors.attention, threshold),
    mlp: smoothRuns(errors.mlp, threshold),
  };
  return heldPlan(net, (unit, t) => {
    const kind = kindOf(unit);
    return !kind || runs[kind][t];
  }, { held: "branch" });
}

/** Measures the errors on full runs. */
export async function smoothErrors(
  runner: SubNetRunner,
  batches: readonly CalibrationBatch[],
): Promise<SmoothErrors> {
  const { net } = runner;
  const distances = { attention: noDistances(net), mlp: noDistances(net) };
  for (const batch of batches) {
    /** The last values of each unit, newest last. */
    const last = new Map<string, Float32Array[]>();
    const watch = ({ unit, step, value }: UnitValue) => {
      const kind = kindOf(unit);
      if (!kind) return;
      const before = last.get(unit) ?? [];
      for (const [i, held] of before.entries()) {
        const lag = before.length - i;
        const own = distances[kind][step - lag][lag - 1];
        own.push(relativeChange(held, value));
      }
      last.set(unit, [...before, value].slice(-lookahead));
    };
    await watchUnits(runner, batch, { held: "branch", watch });
  }
  const means = (calls: readonly (readonly number[][])[]): LagErrors =>
    calls.map((lags) =>
      lags.map((own) => own.length > 0 ? sum(own) / own.length : null)
    );
  return { attention: means(distances.attention), mlp: means(distances.mlp) };
}

/** An empty list for each call and lag. */
const noDistances = ({ steps }: SuperNet): number[][][] =>
  range(steps).map(() => range(lookahead).map(() => []));

/** Plans by ascending threshold. */
function* plans(net: SuperNet, errors: SmoothErrors): Generator<SubNetPlan> {
  const thresholds = [errors.attention, errors.mlp].flat(2)
    .filter((error) => error !== null).sort((a, b) => a - b);
  for (const threshold of thresholds) yield smoothPlan(net, errors, threshold);
}

/** SmoothCache at the lowest threshold within the budget, by errors on the calibration batches. */
export const smoothCache = calibratedMethod("smoothcache", {
  part: "smooth-errors",
  refusal: withoutResiduals,
  measure: smoothErrors,
  plans,
});
