/**
 * The data of a report's page, as JSON: rows with the text table's cells, gates,
 * pictures and numbers for charts. The page formats no number itself, so that its
 * numbers cannot differ from the table's.
 */

import type { MetricInfo } from "../tables/metric_info.ts";
import type { MetricValue } from "../tables/results.ts";
import type { Cell, Column } from "../tables/table.ts";
import type { RowDetails, RunDetails } from "./run_details.ts";

export interface ReportData {
  readonly title: string;
  /** The page's subject, in a sentence. */
  readonly lead?: string;
  readonly columns: readonly Column[];
  /** The rows in the order of the text table. */
  readonly rows: readonly ReportRow[];
  /** The meanings of the marks, a sentence each. */
  readonly notes: readonly string[];
  /** The metrics that can be drawn over cost. */
  readonly metrics: readonly ReportMetric[];
  readonly runs: readonly ReportRun[];
}

/** One method at one budget. */
export interface ReportRow extends RowDetails {
  /** The method and its budget, such as "dip-go, 80 %". */
  readonly name: string;
  /** The name of the row's line in a chart. */
  readonly series: string;
  /** The index of the row's run. */
  readonly run: number;
  readonly paper: boolean;
  readonly cells: readonly Cell[];
  /** The kept fraction of the dense trajectory's MACs. */
  readonly macsKept: number;
  /** The fraction of the full model's measured time; null if not measured. */
  readonly timeKept: number | null;
  /** The cost of the method's search for all budgets, in pictures by the full sampler; null if unknown. */
  readonly searchPasses: number | null;
  readonly metrics: Readonly<
    Record<string, Pick<MetricValue, "mean" | "low" | "high">>
  >;
}

/** A metric that readers can choose. */
export interface ReportMetric extends MetricInfo {
  readonly name: string;
  /** The label with an arrow towards better values. */
  readonly heading: string;
}

/** The facts that all rows of a run share. */
export interface ReportRun
  extends Pick<RunDetails, "notes" | "units" | "subjects" | "curves"> {
  readonly name: string;
  /** The method that the other methods are paired with. */
  readonly mainMethod?: string;
  /** Model, sampler, commit and the like: a label and a value each. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly command?: string;
  /** The resolved experiment. */
  readonly experiment?: unknown;
}
