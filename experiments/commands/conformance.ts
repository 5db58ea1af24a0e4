/** `deno task conformance`: compares this implementation with recorded tensors of other implementations. */
import {
  type Conformance,
  type ConformanceCase,
  failure,
  type FileRun,
  findCases,
} from "@dip-go/eval/conformance";
import { alignedLines } from "@dip-go/eval/tables";
import { rivalRun, RivalSubjects } from "../conformance/mod.ts";
import { command, finish, messageOf } from "./options/command.ts";
import { flag, oneWord, positive, text } from "./options/option_table.ts";

/** A compared tensor and the case folder or file that it came from. */
type Row = Conformance & { readonly source: string };

const refusal = "Cannot check conformance";

/** Runs the command on its arguments; errors are part of the result. */
export const conformanceCommand = command({
  refusal,
  about: "Runs every recorded case of a folder and compares.",
  usage: ["deno task conformance <folder> [options]"],
  words: {
    "<folder>":
      "Laid out like testdata/, or one case of it; or pipelines with a cases.json each; or runs of published caches on the zoo's models",
  },
  options: {
    only: text(
      "<pattern>",
      "Run the cases whose names have this in them; * stands for anything",
    ),
    tolerance: positive(
      "<x>",
      "Accept relative errors up to x instead of each case's limits; whole numbers, of timesteps and pixels, keep theirs",
    ),
    verbose: flag("One line a tensor, not only the worst of each case"),
    json: flag("Print JSON: all tensors"),
  },
  notes:
    "A relative error is the largest absolute one over the recorded tensor's maximum. A case that cannot be run is a line that says why, and the others go on. Exits 1 if a tensor is not ok. Cases that are not covered yet are listed.",
}, async ({ only, tolerance, verbose, json }, words) => {
  const folder = oneWord(words, { refusal }, "folders");
  await using subjects = new RivalSubjects();
  const cases = await chosenCases(folder, {
    only,
    run: (json) => rivalRun(json, subjects),
  });
  const rows: Row[] = [];
  for (const each of cases) {
    for (const row of await rowsOf(each)) {
      rows.push({ source: each.name, ...tolerated(row, tolerance) });
    }
  }
  const notCovered = cases.filter(({ run }) => !run).map(({ name }) => name);
  const ok = rows.every((row) => row.ok);
  const lines = json
    ? [JSON.stringify({ folder, ok, rows, notCovered }, null, 2)]
    : reportLines(rows, { notCovered, verbose });
  return { lines, exitCode: ok ? 0 : 1 };
});

/** The cases whose names match `only`. @throws {RangeError} If none of them is covered. */
async function chosenCases(
  folder: string,
  { only = "", run }: { readonly only?: string; readonly run: FileRun },
): Promise<ConformanceCase[]> {
  const parts = only.split("*").map((part) => RegExp.escape(part));
  const pattern = new RegExp(parts.join(".*"));
  const found = await findCases(folder, run);
  const cases = found.filter(({ name }) => pattern.test(name));
  if (cases.some(({ run }) => run)) return cases;
  throw new RangeError(
    `${refusal}: ${folder} holds no case that is covered${
      only ? ` and called ${only}` : ""
    }`,
  );
}

/** The rows of a case; if its run fails, the last row has the error. */
async function rowsOf({ name, run }: ConformanceCase): Promise<Conformance[]> {
  const rows: Conformance[] = [];
  try {
    for await (const row of run?.() ?? []) rows.push(row);
  } catch (thrown) {
    rows.push(failure(name, messageOf(thrown)));
  }
  return rows;
}

/** The row judged by another limit; rows of whole numbers and of errors stay. */
function tolerated(row: Conformance, limit: number | undefined): Conformance {
  if (limit === undefined || row.whole || row.error) return row;
  const { maxAbsLimit: _, ...rest } = row;
  return { ...rest, limit, ok: row.relative <= limit };
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
  const failed = bySource.filter((rows) => rows.some(({ ok }) => !ok)).length;
  return [
    ...alignedLines([
      ["case", "tensor", "max abs", "relative", "limit", "ok"],
      ...shown.map((row) => [
        row.source,
        row.error ? "" : `${row.case} ${row.tensor}`,
        numberText(row.maxAbs),
        numberText(row.relative),
        limitText(row),
        row.ok ? "ok" : "FAILED",
      ]),
    ], { left: 2 }),
    ...rows.flatMap(({ source, error }) => error ? `${source}: ${error}` : []),
    ...notCovered.map((name) => `${name}: not covered yet`),
    `${rows.length} tensors of ${bySource.length} cases: ${
      failed === 0 ? "all ok" : `${failed} cases failed`
    }`,
  ];
}

const numberText = (value: number) =>
  Number.isNaN(value) ? "" : value.toExponential(1);

/** The limit that a table shows: the relative error's if there is one, else the absolute error's. */
function limitText({ limit, maxAbsLimit }: Conformance): string {
  if (limit !== undefined) return limit.toExponential(0);
  return maxAbsLimit === undefined ? "" : `${numberText(maxAbsLimit)} abs`;
}

/** The first failed row, which names where an error starts; else the row nearest to its limit. */
function worst(rows: readonly Row[]): Row {
  const share = (error: number, limit: number | undefined) =>
    limit ? error / limit : 0;
  const strain = ({ ok, relative, limit, maxAbs, maxAbsLimit }: Row) =>
    ok
      ? Math.max(share(relative, limit), share(maxAbs, maxAbsLimit))
      : Infinity;
  return rows.reduce((a, b) => strain(b) > strain(a) ? b : a);
}

if (import.meta.main) finish(await conformanceCommand(Deno.args));
