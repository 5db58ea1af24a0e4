/**
 * The data of a report's page, as JSON: the rows as the text table shows
 * them, their numbers for the charts, and a run's gates and pictures of each. The page formats nothing itself, so that it cannot differ.
 */

import type { MetricInfo } from "../tables/metric_info.ts";
import type { MetricValue } from "../tables/results.ts";
import type { Cell, Column } from "../tables/table.ts";
import type { RowDetails, RunDetails } from "./run_details.ts";

/** The whole page. */
export interface ReportData {
  readonly title: string;
  /** The page's subject, in a sentence. */
  readonly lead?: string;
  readonly columns: readonly Column[];
  /** In the order of the text table. */
  readonly rows: readonly ReportRow[];
  /** The marks' meanings, a sentence each. */
  readonly notes: readonly string[];
  /** Metrics that can be drawn over cost. */
  readonly metrics: readonly ReportMetric[];
  readonly runs: readonly ReportRun[];
}

/** One method at one budget. */
export interface ReportRow extends RowDetails {
  /** Such as "dip-go, 80 %". */
  readonly name: string;
  /** Its line in a chart. */
  readonly series: string;
  /** Index of its run. */
  readonly run: number;
  readonly paper: boolean;
  readonly cells: readonly Cell[];
  /** Fraction of the dense trajectory's MACs. */
  readonly macsKept: number;
  /** Fraction of the full model's measured time; null if not measured. */
  readonly timeKept: number | null;
  /** What the method's search cost for all budgets, in pictures by the full sampler; null if it is not known. */
  readonly searchPasses: number | null;
  readonly metrics: Readonly<
    Record<string, Pick<MetricValue, "mean" | "low" | "high">>
  >;
}

/** A metric to choose. */
export interface ReportMetric extends MetricInfo {
  readonly name: string;
  /** The label with an arrow towards the better. */
  readonly heading: string;
}

/** The facts that all rows of a run share. */
export interface ReportRun
  extends Pick<RunDetails, "notes" | "units" | "subjects" | "curves"> {
  readonly name: string;
  /** The method that the others are paired with. */
  readonly mainMethod?: string;
  /** Model, sampler, commit and the like: a label and a value each. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly command?: string;
  /** The resolved experiment. */
  readonly experiment?: unknown;
}
