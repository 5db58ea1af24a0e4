/** The tables and the chart of a depth probe. */
import { taughtChart, type TaughtLine } from "@dip-go/eval/charts";
import {
  columnLines,
  formatPercent,
  type LineColumn,
  markdownTable,
} from "@dip-go/eval/tables";
import {
  type BudgetVerdict,
  type DepthProbe,
  type ProbeVerdict,
  taughtShares,
  verdictOf,
} from "@dip-go/pruner/probe";

/** A part of the network with its share of the MACs and its errors. */
interface PartRow {
  readonly name: string;
  readonly share: number;
  /** Squared errors with the rest held, over those of a line through the last two predictions, by gap. */
  readonly held?: readonly number[];
  readonly extrapolated?: readonly number[];
  readonly taught: readonly number[];
}

/** Rows of the parts, in ascending order of depth, then the conditional half. */
function partRows(probe: DepthProbe): PartRow[] {
  const { depths, calls } = probe;
  const { depths: taught, half } = taughtShares(probe);
  const groups = [...Map.groupBy(calls, ({ gap }) => gap).values()];
  const over = (of: (call: DepthProbe["calls"][number]) => number) =>
    groups.map((own) => {
      const sum = (values: number[]) => values.reduce((a, b) => a + b);
      return sum(own.map(of)) / sum(own.map(({ forecast }) => forecast));
    });
  return [
    ...depths.map(({ name, share }, d) => ({
      name,
      share,
      held: over((call) => call.depths[d].held),
      extrapolated: over((call) => call.depths[d].extrapolated),
      taught: taught[d],
    })),
    ...half ? [{ name: "conditional half", share: 0.5, taught: half }] : [],
  ];
}

/** The tables as lines for a console and as Markdown, with the verdict in words. */
export function probeTables(
  probe: DepthProbe,
): { lines: string[]; markdown: string; verdict: ProbeVerdict } {
  const verdict = verdictOf(probe);
  const rows = partRows(probe);
  const gaps = rows[0].taught.map((_, i) => i);
  const parts: LineColumn<PartRow>[] = [
    ["Computed", ({ name }) => name],
    ["MACs", ({ share }) => formatPercent(share)],
    ...[0, gaps.length - 1].flatMap((i): LineColumn<PartRow>[] => [
      [`Held ${i + 1}`, ({ held }) => held?.[i].toFixed(2) ?? "–"],
      [
        `Extrapolated ${i + 1}`,
        ({ extrapolated }) => extrapolated?.[i].toFixed(2) ?? "–",
      ],
    ]),
    ...gaps.map((i): LineColumn<PartRow> => [
      `Taught ${i + 1}`,
      ({ taught }) => formatPercent(taught[i]),
    ]),
  ];
  const budgets: LineColumn<BudgetVerdict>[] = [
    ["MACs kept", ({ kept }) => formatPercent(kept)],
    ["Steps", ({ steps }) => `${decibels(steps)} dB`],
    ["Best depth", ({ blocks }) => blocks.gain < 0.05 ? "none" : blocks.name],
    ["Blocks", ({ blocks }) => gainText(blocks.gain)],
    ["Halves", ({ halves }) => halves ? gainText(halves.gain) : "–"],
    ["Verdict", ({ verdict }) => verdict],
  ];
  const words = verdictWords(verdict);
  return {
    verdict,
    lines: [
      ...columnLines(rows, parts),
      "",
      ...columnLines(verdict, budgets),
      "",
      words,
    ],
    markdown: `${
      [markdownOf(rows, parts), markdownOf(verdict, budgets), words].join(
        "\n\n",
      )
    }\n`,
  };
}

const decibels = (error: number) =>
  (10 * Math.log10(error)).toFixed(1).replace("-", "−");

/** The decibels by which an error is below the error of whole steps. */
const gainText = (gain: number) => gain < 0.05 ? "0" : `−${gain.toFixed(1)} dB`;

const markdownOf = <Row>(
  rows: readonly Row[],
  columns: readonly LineColumn<Row>[],
): string =>
  markdownTable({
    columns: columns.map(([header], i) => ({
      header,
      align: i === 0 ? "left" : "right",
    })),
    groups: [
      rows.map((row) => columns.map(([, textOf]) => ({ text: textOf(row) }))),
    ],
    rows: [],
    notes: [],
  });

/** The verdict in a sentence: the budgets at which each kind of pruning is the best. */
export function verdictWords(budgets: ProbeVerdict): string {
  const kinds = Map.groupBy(budgets, ({ verdict }) => verdict);
  const parts = [...kinds].map(([kind, own]) =>
    `${words[kind]} at ${
      own.map(({ kept }) => Math.round(100 * kept)).join(", ")
    } % of the MACs`
  );
  return `Verdict: ${parts.join("; ")}.`;
}

const words: Readonly<Record<BudgetVerdict["verdict"], string>> = {
  steps: "leave out whole steps",
  blocks: "leave out blocks",
  halves: "leave out unconditional halves",
};

/** The chart of taught shares over depth: a line for each gap. */
export function probeChart(
  probe: DepthProbe,
  { title }: { readonly title: string },
): string {
  const { depths, half } = taughtShares(probe);
  const gaps = depths[0].map((_, i) => i);
  return taughtChart(
    gaps.map((i): TaughtLine => ({
      label: `held ${i + 1} ${i === 0 ? "step" : "steps"} ago`,
      depths: probe.depths.map(({ share }, d) => [share, depths[d][i]]),
      ...half && { half: [0.5, half[i]] },
    })),
    { title },
  );
}
