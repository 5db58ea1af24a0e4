/** The paper's printed rows and the sections beside them, from the few values that tell one from another. */
import type { KnownModelName } from "@dip-go/core/models";
import type { Experiment } from "../schema/experiment.ts";
import type { Bill, PaperRow, Section } from "../schema/study.ts";

/** What a row's MACs follow from, as far as it is not its table's, or why they do not. */
interface RowMacs extends Partial<Bill> {
  readonly because?: string;
  /** Nothing that is published determines them. */
  readonly unknown?: true;
}

/** Label, MACs as printed, what they follow from, and a figure for each of the table's columns. */
export type PrintedRow = readonly [string, string, RowMacs, ...number[]];

/** What the rows of a table share. */
export interface PaperTable {
  readonly model: KnownModelName;
  /** Steps that are billed. */
  readonly calls: number;
  /** MACs of the unpruned model, as printed. */
  readonly dense: string;
  /** `speedup`, or the name of a metric. */
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

/** A row that tells its ratio and CLIP score alone: of pruned SD-1.5 at 0.8. */
export const ratioRow = (label: string, clip: number): PaperRow => ({
  label: `DiP-GO, ${label}`,
  dense: "16.94",
  sparsity: 0.8,
  metrics: { clip },
});

/** What an experiment has of its own. */
type Change = Pick<Experiment, "name"> & Partial<Experiment>;

/** Experiments that differ from one base, by their labels. */
export const sectionsFrom = (
  base: Experiment,
  changes: Readonly<Record<string, Change>>,
): Section[] =>
  Object.entries(changes).map(([label, change]) => ({
    label,
    experiment: { ...base, ...change },
  }));
