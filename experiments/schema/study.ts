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
  /** The text that tells this section's rows from other sections' in the study's table. */
  readonly label: string;
  readonly experiment: Experiment;
  /** The suffix of the CLIP score, as in `clip_parti`, if the prompts are not COCO's captions. */
  readonly promptSet?: string;
}

/** The terms by which a printed MACs figure follows from a model's block graph. */
export interface Bill {
  readonly model: KnownModelName;
  /** The number of steps that are billed; PLMS calls the model once more. */
  readonly calls: number;
  /** Whether both halves of guidance are counted. */
  readonly guided?: boolean;
  /** The share of the dense MACs that the SubNet keeps. */
  readonly keep?: number;
  /** DeepCache: every `interval`-th step runs whole, the others run the last `computed` units. */
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
  /** The figure's terms; absent if nothing that is published determines the figure. */
  readonly bill?: Bill;
  /** The key of the study's explanation why the figure differs from its bill. */
  readonly because?: string;
}

/** One row of a table of the paper. */
export interface PaperRow {
  /** The row's name in the paper. */
  readonly label: string;
  readonly macs?: PrintedMacs;
  /** MACs of the unpruned model of this row, as printed, in units of 1e12. */
  readonly dense: string;
  /** The pruning ratio; by default the share of `dense` that the printed MACs leave out. */
  readonly sparsity?: number;
  readonly speedup?: number;
  /** The time of sampling one image. */
  readonly seconds?: number;
  /** Values by metric name. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** One table or figure. */
export interface Study {
  /** The study's name on the command line and of its folder under `results/`. */
  readonly name: string;
  /** A description in one line, for `--list`. */
  readonly description: string;
  readonly paper: readonly PaperRow[];
  readonly sections: Readonly<Record<Scale, readonly Section[]>>;
  /** Reasons why printed MACs differ from their bills, by `because`; each has the figure computed here. */
  readonly explanations?: Readonly<Record<string, string>>;
  /** Facts to know before comparing, a sentence or two each. */
  readonly notes: readonly string[];
}

/** The removed share of a row's dense MACs, in [0, 1). */
export function sparsityOf({ sparsity, macs, dense }: PaperRow): number {
  if (sparsity !== undefined) return sparsity;
  const kept = macs ? Number(macs.printed) / Number(dense) : 1;
  return Number((1 - kept).toFixed(3));
}

/** The MACs of a row: the printed ones, or the dense ones reduced by its pruning ratio. */
export const macsOfRow = (row: PaperRow): number =>
  row.macs
    ? Number(row.macs.printed) * 1e12
    : (1 - sparsityOf(row)) * Number(row.dense) * 1e12;
