/** What a run folder remembers of one method at one target, per pair, before it is summarised. */
import type { SetValue } from "@dip-go/eval/metrics";
import type { Latency } from "@dip-go/eval/statistics";
import type { Target } from "../run/target.ts";
import type { SampledPlan } from "@dip-go/pruner/methods";

/** Values by metric name: one a pair, or one of all together. */
export type RowMetrics = Readonly<
  Record<string, readonly number[] | SetValue>
>;

/** `rows/<method>-<target>.json`. */
export interface MeasuredRow {
  readonly method: string;
  readonly sparsity: number;
  /** Of one image. */
  readonly macs: number;
  /** By what budgets are of, where that is time. */
  readonly predictedSpeedup?: number;
  /** The budget of one image, where it is of time. */
  readonly targetMs?: number;
  /** Cost of its method's search for all budgets, in pictures by the full sampler. */
  readonly searchPasses: number;
  /** Different pictures that it saw. */
  readonly searchPictures?: number;
  readonly metrics: RowMetrics;
  /** Of this repository, when the row was measured. */
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
  /** In file names. */
  readonly name: string;
  readonly row: MeasuredRow;
  readonly fitted: SampledPlan;
  readonly latencies: readonly RowLatency[];
}

/** The name of a row in file names. */
export const rowName = (method: string, target: Target): string =>
  `${method}-${target}`;
