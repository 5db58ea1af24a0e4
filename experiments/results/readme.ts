/** `deno task readme`: puts the table of a run's `results.json` into the README, where its markers are. */
import { writeAtomically } from "@dip-go/core/files";
import { joinResults, readResults, renderTable } from "@dip-go/eval/tables";

const section = /(<!-- table: (\S+) -->\n)[^]*?(<!-- end of table -->)/g;

/**
 * The README with every marked table made anew from its results.
 *
 * @param root Folder that the markers' paths start from, with a final slash.
 * @throws {Error} If a marker's results cannot be read.
 */
export async function withTables(
  readme: string,
  root: string,
): Promise<string> {
  let made = readme;
  for (const [whole, start, path, end] of readme.matchAll(section)) {
    const rows = joinResults([await readResults(root + path)]);
    made = made.replace(
      whole,
      () => `${start}\n${renderTable(rows, "md").trim()}\n\n${end}`,
    );
  }
  return made;
}

if (import.meta.main) {
  const readme = await Deno.readTextFile("README.md");
  await writeAtomically("README.md", await withTables(readme, ""));
}
