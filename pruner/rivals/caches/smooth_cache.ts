/**
 * SmoothCache (Liu et al., "SmoothCache: A Universal Inference Acceleration
 * Technique for Diffusion Transformers", arXiv 2411.10510): a layer's output is
 * reused for as many calls as its relative change in calibration runs stays
 * below a threshold. All attention layers have one schedule, all MLPs another.
 */
import {
  denseCost,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import type { UnitValue } from "@dip-go/supernet/sampling";
import type { CalibrationBatch } from "../../calibration.ts";
import {
  type Method,
  type MethodContext,
  planned,
  type SearchPart,
} from "../../method.ts";
import { heldPlan, kindOf, type Runs } from "./held_plan.ts";
import { watchUnits } from "./watched_units.ts";

/** The most calls that a computed one serves after itself. */
const lookahead = 3;

/**
 * Of call s and lag l, `[T][lags]`, lag 1 first: mean over layers and runs of
 * |F_s − F_(s+l)|₁ / |F_(s+l)|₁; null where call s + l does not exist.
 */
export type LagErrors = readonly (readonly (number | null)[])[];

/** When layers of one kind run. @param threshold The largest error at which call s + l reuses call s. */
export function smoothRuns(errors: LagErrors, threshold: number): Runs {
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

/** Of both kinds of layers. */
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
  return heldPlan(net, (unit) => {
    const kind = kindOf(unit);
    return kind && runs[kind];
  }, { held: "branch" });
}

/** The errors of full runs. */
export async function smoothErrors(
  { runner, net }: Pick<MethodContext, "runner" | "net">,
  batches: readonly CalibrationBatch[],
): Promise<SmoothErrors> {
  const sums = { attention: meansOf(net), mlp: meansOf(net) };
  for (const batch of batches) {
    /** Of each unit, the last values, newest last. */
    const last = new Map<string, Float32Array[]>();
    const watch = ({ unit, step, value }: UnitValue) => {
      const kind = kindOf(unit);
      if (!kind) return;
      const before = last.get(unit) ?? [];
      for (const [i, held] of before.entries()) {
        const lag = before.length - i;
        sums[kind][step - lag][lag - 1].add(relativeDistance(held, value));
      }
      last.set(unit, [...before, value].slice(-lookahead));
    };
    await watchUnits(runner, batch, { held: "branch", watch });
  }
  const errorsOf = (means: readonly (readonly Mean[])[]): LagErrors =>
    means.map((lags) => lags.map((mean) => mean.value));
  return { attention: errorsOf(sums.attention), mlp: errorsOf(sums.mlp) };
}

/** A mean as it is added up; null of nothing. */
class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    this.#sum += value;
    this.#count++;
  }

  get value(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }
}

/** One of each call and lag. */
const meansOf = ({ steps }: SuperNet): Mean[][] =>
  Array.from(
    { length: steps },
    () => Array.from({ length: lookahead }, () => new Mean()),
  );

/** |a − b|₁ / |b|₁. */
function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [distance, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    distance += Math.abs(a[i] - b[i]);
    size += Math.abs(b[i]);
  }
  return distance / size;
}

/** The errors serve every budget. */
const errorsPart: SearchPart = { name: "smooth-errors", reads: {} };

/** The lowest threshold within the budget, of errors on the calibration batches. */
export const smoothCache: Method = {
  name: "smoothcache",
  searches: "by samples",
  reads: () => ({}),
  parts: () => [errorsPart],
  searchCost: ({ net, search }) => search.calibration * denseCost(net),
  async fit(context, maxCost) {
    const { net } = context;
    const errors = await context.once(
      errorsPart.name,
      async () => smoothErrors(context, await context.calibration()),
      errorsPart.reads,
    );
    const thresholds = [errors.attention, errors.mlp].flat(2)
      .filter((error) => error !== null).sort((a, b) => a - b);
    const plan = thresholds.values()
      .map((threshold) => smoothPlan(net, errors, threshold))
      .find((plan) => planCost(net, plan) <= maxCost);
    return plan
      ? planned(plan)
      : { kind: "none", note: "no threshold fits the budget" };
  },
};
