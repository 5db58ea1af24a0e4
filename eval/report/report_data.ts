/**
 * What the page of a report gets, as JSON: the rows as the text table shows
 * them, their numbers for the charts, and what a run keeps of each beside
 * numbers. The page formats nothing itself, so that it cannot differ.
 */

/** The whole page. */
export interface ReportData {
  readonly title: string;
  /** What the page is of, in a sentence. */
  readonly lead?: string;
  readonly columns: readonly ReportColumn[];
  /** In the order of the text table. */
  readonly rows: readonly ReportRow[];
  /** What the marks mean, a sentence each. */
  readonly notes: readonly string[];
  /** What can be drawn over cost. */
  readonly metrics: readonly ReportMetric[];
  readonly runs: readonly ReportRun[];
}

/** A column of the table. */
export interface ReportColumn {
  readonly header: string;
  readonly align: "left" | "right";
}

/** A cell of the table. */
export interface ReportCell {
  readonly text: string;
  readonly best?: boolean;
  /** What to sort by; the text unless given. */
  readonly value?: number;
  /** Of a metric: the parts of the text. */
  readonly metric?: {
    readonly mean: string;
    readonly interval?: string;
    readonly mark?: string;
  };
}

/** One method at one budget. */
export interface ReportRow {
  /** Such as "dip-go, 80 %". */
  readonly name: string;
  readonly method: string;
  /** What its line in a chart is called. */
  readonly series: string;
  readonly sparsity: number;
  /** Index of its run. */
  readonly run: number;
  readonly paper: boolean;
  readonly cells: readonly ReportCell[];
  /** Fraction of the dense trajectory's MACs. */
  readonly macsKept: number;
  /** Fraction of the full model's measured time; null if not measured. */
  readonly timeKept: number | null;
  readonly metrics: Readonly<Record<string, ReportValue>>;
  /** A string of N digits a step, "1" computes and "0" reuses; absent without gates. */
  readonly gates?: readonly string[];
  /** PNG data URIs, one an evaluated pair from the first on. */
  readonly pictures?: readonly string[];
}

/** A mean with its 95 % interval, if it has one. */
export interface ReportValue {
  readonly mean: number;
  readonly low?: number;
  readonly high?: number;
}

/** A metric to choose. */
export interface ReportMetric {
  readonly name: string;
  readonly label: string;
  readonly digits: number;
  readonly higherIsBetter?: boolean;
}

/** What all rows of a run share. */
export interface ReportRun {
  readonly name: string;
  /** The method that the others are paired with. */
  readonly mainMethod?: string;
  /** Model, sampler, commit and the like: a label and a value each. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly command?: string;
  /** The resolved experiment. */
  readonly experiment?: unknown;
  /** Why rows are missing, a sentence each. */
  readonly notes: readonly string[];
  /** Names of the N units; the last is the whole step. */
  readonly units: readonly string[];
  /** What the pictures are of, one a pair. */
  readonly subjects: readonly string[];
  readonly curves: readonly ReportCurve[];
}

/** What a search reported while it went on. */
export interface ReportCurve {
  readonly name: string;
  /** Pairs (iteration, value). */
  readonly points: readonly (readonly [number, number])[];
}
