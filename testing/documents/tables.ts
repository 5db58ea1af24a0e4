/** Tables in documents, made from the `results.json` that a marker names. */
import {
  joinResults,
  markdownTable,
  readResults,
  type Table,
  tableOf,
} from "@dip-go/eval/tables";

/** A table marked `<!-- table: path -->`; with ` at 0.8`, it has the full sampler and that sparsity alone. */
const section =
  /(<!-- table: (\S+?)(?: at ([\d.]+))? -->\n)[^]*?(<!-- end of table -->)/g;

/** The columns of a table of one sparsity; one without values is filled with dashes. */
const shortColumns = [
  "Method",
  "MACs",
  "Speedup",
  "PSNR (dB) ↑",
  "SSIM ↑",
  "Search (passes)",
];

/**
 * A document with every marked table made anew from its results.
 *
 * @param root Folder that the markers' paths start from, with a final slash.
 * @throws {Error} If a marker's results cannot be read.
 */
export async function withTables(
  document: string,
  root: string,
): Promise<string> {
  let made = document;
  for (const [whole, start, path, at, end] of document.matchAll(section)) {
    const rows = joinResults([await readResults(root + path)]);
    const table = at === undefined ? tableOf(rows) : shortTable(
      tableOf(
        rows.filter(({ sparsity }) => [0, Number(at)].includes(sparsity)),
      ),
    );
    made = made.replace(
      whole,
      () => `${start}\n${markdownTable(table)}\n\n${end}`,
    );
  }
  return made;
}

/** The same table with the columns of {@linkcode shortColumns} alone. */
function shortTable({ columns, groups, rows, notes }: Table): Table {
  const places = shortColumns.map((header) =>
    columns.findIndex((column) => column.header === header)
  );
  return {
    columns: places.map((place, i) =>
      columns[place] ?? { header: shortColumns[i], align: "right" }
    ),
    groups: groups.map((group) =>
      group.map((row) => places.map((place) => row[place] ?? { text: "–" }))
    ),
    rows,
    notes,
  };
}
