/** The measured values of one method at one target, for each pair, before they are summarised. */
import type { SetValue } from "@dip-go/eval/metrics";
import type { Latency } from "@dip-go/eval/statistics";
import type { Target } from "../run/target.ts";
import type { SampledPlan } from "@dip-go/pruner/methods";

/** Values by metric name: one for each pair, or one of all pairs together. */
export type RowMetrics = Readonly<
  Record<string, readonly number[] | SetValue>
>;

/** The content of `rows/<method>-<target>.json`. */
export interface MeasuredRow {
  readonly method: string;
  readonly sparsity: number;
  /** MACs of one image. */
  readonly macs: number;
  /** The speedup that block times predict; absent if budgets are of MACs. */
  readonly predictedSpeedup?: number;
  /** The budget of one image in milliseconds; absent if budgets are of MACs. */
  readonly targetMs?: number;
  /** The cost of its method's search for all budgets, in pictures by the full sampler. */
  readonly searchPasses: number;
  /** The number of different pictures that the search saw. */
  readonly searchPictures?: number;
  readonly metrics: RowMetrics;
  /** The commit of this repository that measured the row. */
  readonly commit?: string;
}

/** Milliseconds of one batch, full model and SubNet taking turns in each round. */
export interface RowLatency {
  readonly batch: number;
  readonly full: Latency;
  readonly row: Latency;
}

/** A row with its plan and its speed at every batch size. */
export interface FinishedRow {
  /** The row's name in file names. */
  readonly name: string;
  readonly row: MeasuredRow;
  readonly fitted: SampledPlan;
  readonly latencies: readonly RowLatency[];
}

/** The name of a row in file names. */
export const rowName = (method: string, target: Target): string =>
  `${method}-${target}`;
