/** `deno task conformance`: this implementation against tensors recorded from another. */
import { type Conformance, findCases } from "@dip-go/eval/conformance";
import { alignedLines } from "@dip-go/eval/tables";
import { command, finish } from "./options/command.ts";
import { flag, oneWord, positive } from "./options/option_table.ts";

/** A compared tensor and the case folder or file that it came from. */
type Row = Conformance & { readonly source: string };

/** Runs the command on its arguments; errors are part of the result. */
export const conformanceCommand = command({
  refusal: "Cannot check conformance",
  about: "Runs every recorded case of a folder and compares.",
  usage: ["deno task conformance <folder> [options]"],
  words: { "<folder>": "Laid out like testdata/, or one case of it" },
  options: {
    tolerance: positive(
      "<x>",
      "Accept relative errors up to x instead of each case's limits; whole timesteps stay exact",
    ),
    verbose: flag("One line a tensor, not only the worst of each case"),
    json: flag("Print JSON: all tensors"),
  },
  notes:
    "A relative error is the largest absolute one over the recorded tensor's maximum. Exits 1 if a tensor is not ok. Cases that are not covered yet are listed.",
}, async ({ tolerance, verbose, json }, words) => {
  const folder = oneWord(
    words,
    { refusal: "Cannot check conformance" },
    "folders",
  );
  const cases = await findCases(folder);
  const rows: Row[] = [];
  for (const { name, run } of cases) {
    for await (const row of run?.() ?? []) {
      rows.push({ source: name, ...tolerated(row, tolerance) });
    }
  }
  if (rows.length === 0) {
    throw new RangeError(
      `Cannot check conformance: ${folder} holds no case that is covered`,
    );
  }
  const notCovered = cases.filter(({ run }) => !run).map(({ name }) => name);
  const ok = rows.every((row) => row.ok);
  const lines = json
    ? [JSON.stringify({ folder, ok, rows, notCovered }, null, 2)]
    : reportLines(rows, { notCovered, verbose });
  return { lines, exitCode: ok ? 0 : 1 };
});

/** The row under another limit; what must be exact stays so. */
function tolerated(row: Conformance, limit: number | undefined): Conformance {
  if (limit === undefined || row.limit === 0) return row;
  return { ...row, limit, ok: row.relative <= limit };
}

function reportLines(
  rows: readonly Row[],
  { notCovered, verbose }: {
    readonly notCovered: readonly string[];
    readonly verbose: boolean;
  },
): string[] {
  const bySource = [...Map.groupBy(rows, ({ source }) => source).values()];
  const shown = verbose ? rows : bySource.map(worst);
  const failed = rows.filter(({ ok }) => !ok).length;
  return [
    ...alignedLines([
      ["case", "tensor", "max abs", "relative", "limit", "ok"],
      ...shown.map((row) => [
        row.source,
        `${row.case} ${row.tensor}`,
        row.maxAbs.toExponential(1),
        row.relative.toExponential(1),
        row.limit.toExponential(0),
        row.ok ? "ok" : "FAILED",
      ]),
    ], { left: 2 }),
    ...notCovered.map((name) => `${name}: not covered yet`),
    `${rows.length} tensors of ${bySource.length} cases: ${
      failed === 0 ? "all ok" : `${failed} past the limits`
    }`,
  ];
}

/** The first row that failed, which names where an error starts; else the one nearest to its limit. */
function worst(rows: readonly Row[]): Row {
  const strain = ({ ok, relative, limit }: Row) =>
    !ok ? Infinity : limit === 0 ? 0 : relative / limit;
  return rows.reduce((a, b) => strain(b) > strain(a) ? b : a);
}

if (import.meta.main) finish(await conformanceCommand(Deno.args));
