/**
 * A study: one table or figure of the paper (DiP-GO, arXiv 2410.16942) as plain
 * data. A table spans several models, samplers and searches, so a study is a
 * list of sections, each an ordinary experiment, beside the paper's own rows.
 */
import type { KnownModelName } from "@dip-go/core/models";
import type { Experiment } from "./experiment.ts";

/** `full`: the paper's models, by their names on the hub. `embedded`: the models of this repository, in minutes. */
export type Scale = "full" | "embedded";

/** One experiment of a study. */
export interface Section {
  /** Tells its rows from other sections' in the study's table. */
  readonly label: string;
  readonly experiment: Experiment;
  /** What its CLIP score is qualified by, where it is of other prompts than COCO's captions: `clip_parti`. */
  readonly promptSet?: string;
}

/** How a figure of the paper follows from a model's block graph, in the `paper` convention. */
export interface Bill {
  readonly model: KnownModelName;
  /** Steps that are billed; PLMS calls the model once more. */
  readonly calls: number;
  /** Whether both halves of guidance are counted. */
  readonly guided?: boolean;
  /** Share of the dense MACs that the SubNet keeps. */
  readonly keep?: number;
  /** DeepCache: every N-th step runs whole, else the last `computed` units. */
  readonly deepCache?: {
    readonly interval: number;
    readonly computed: number;
    readonly granularity: "block" | "branch";
  };
}

/** MACs as the paper prints them, in units of 1e12. */
export interface PrintedMacs {
  /** Digits as printed, such as "16.94". */
  readonly printed: string;
  /** Absent where nothing that is published determines the figure. */
  readonly bill?: Bill;
  /** Which of the study's explanations says why the figure is not what its bill gives. */
  readonly because?: string;
}

/** One row of a table of the paper. */
export interface PaperRow {
  /** As the paper calls it. */
  readonly label: string;
  readonly macs?: PrintedMacs;
  /** MACs of the unpruned model of this row, as printed, in units of 1e12. */
  readonly dense: string;
  /** The pruning ratio; by default what the printed MACs leave out of `dense`. */
  readonly sparsity?: number;
  readonly speedup?: number;
  /** Time of one image. */
  readonly seconds?: number;
  /** By metric name. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** One table or figure. */
export interface Study {
  /** As typed on the command line, and the folder under `results/`. */
  readonly name: string;
  /** One line for `--list`. */
  readonly description: string;
  readonly paper: readonly PaperRow[];
  readonly sections: Readonly<Record<Scale, readonly Section[]>>;
  /** Why printed MACs differ from what their bills give, by the name that rows refer to; each holds the figure that is computed here. */
  readonly explanations?: Readonly<Record<string, string>>;
  /** What to know before comparing, a sentence or two each. */
  readonly notes: readonly string[];
}

/** Removed share of a row, in [0, 1). */
export function sparsityOf({ sparsity, macs, dense }: PaperRow): number {
  if (sparsity !== undefined) return sparsity;
  const kept = macs ? Number(macs.printed) / Number(dense) : 1;
  return Number((1 - kept).toFixed(3));
}

/** MACs of a row: printed, or what its pruning ratio leaves of the dense ones. */
export const macsOfRow = (row: PaperRow): number =>
  row.macs
    ? Number(row.macs.printed) * 1e12
    : (1 - sparsityOf(row)) * Number(row.dense) * 1e12;
