/** Makes the paper's printed rows, and the sections beside them, from the few values in which they differ. */
import type { KnownModelName } from "@dip-go/core/models";
import type { Experiment } from "../schema/experiment.ts";
import type { Bill, PaperRow, Section } from "../schema/study.ts";

/** The part of a row's bill that is not its table's, and the explanation if the figure is not the bill's. */
interface RowMacs extends Partial<Bill> {
  readonly because?: string;
  /** Whether nothing that is published determines the MACs. */
  readonly unknown?: true;
}

/** The label, the MACs as printed in T, their bill, and a figure for each of the table's columns. */
export type PrintedRow = readonly [string, string, RowMacs, ...number[]];

/** The values that the rows of a table share. */
export interface PaperTable {
  readonly model: KnownModelName;
  /** The number of steps that are billed. */
  readonly calls: number;
  /** The MACs of the unpruned model, as printed in T. */
  readonly dense: string;
  /** The names of the columns: `speedup`, or a metric. */
  readonly columns: readonly string[];
}

/** The rows of one table. */
export const paperRows = (
  { model, calls, dense, columns }: PaperTable,
  rows: readonly PrintedRow[],
): PaperRow[] =>
  rows.map(([label, printed, { because, unknown, ...own }, ...figures]) => {
    const named = columns.map((name, i) => [name, figures[i]] as const);
    const { speedup, ...metrics } = Object.fromEntries(named);
    return {
      label,
      macs: {
        printed,
        ...unknown ? {} : { bill: { model, calls, ...own } },
        ...because === undefined ? {} : { because },
      },
      dense,
      ...speedup === undefined ? {} : { speedup },
      metrics,
    };
  });

/** A row that prints its CLIP score alone, of SD-1.5 pruned at 0.8. */
export const ratioRow = (label: string, clip: number): PaperRow => ({
  label: `DiP-GO, ${label}`,
  dense: "16.94",
  sparsity: 0.8,
  metrics: { clip },
});

/** The values of an experiment that differ from its base. */
type Change = Pick<Experiment, "name"> & Partial<Experiment>;

/** The sections of experiments that differ from one base, by their labels. */
export const sectionsFrom = (
  base: Experiment,
  changes: Readonly<Record<string, Change>>,
): Section[] =>
  Object.entries(changes).map(([label, change]) => ({
    label,
    experiment: { ...base, ...change },
  }));
