/** Makes the tables of docs/compatibility.md from what tests run, so that a claim goes with its last test. */
import { type Claims, claims } from "./claims.ts";
import type { Evidence } from "./evidence.ts";
import { recordedChains, recordedPipelines } from "./recorded_cases.ts";

/** A marked table, from `<!-- covered: networks -->` to `<!-- end of covered -->`. */
const section = /(<!-- covered: (\w+) -->\n)[^]*?(<!-- end of covered -->)/g;

/**
 * A document with its marked tables made anew.
 *
 * @param root Folder of the repository, with a final slash.
 * @param evidence The result of `readEvidence`.
 * @throws {RangeError} If the document marks an unknown table.
 * @throws {Error} If cases cannot be read.
 */
export async function withCoverage(
  document: string,
  root: string,
  evidence: readonly Evidence[],
): Promise<string> {
  const tables: Record<string, string> = {
    cases: await casesTable(`${root}testdata/pipelines`),
    chains: await chainsList(`${root}testdata/samplers/chains.json`),
  };
  for (const [name, own] of Object.entries(claims)) {
    tables[name] = coverageTable(own, evidence);
  }
  return document.replaceAll(section, (_, start, name, end) => {
    if (!Object.hasOwn(tables, name)) {
      throw new RangeError(`Cannot make a table: there is no ${name}`);
    }
    return `${start}\n${tables[name]}\n\n${end}`;
  });
}

/** The claims behind which there is no test, except in the tables that are products of lists. */
export function unborne(evidence: readonly Evidence[]): string[] {
  const { networks, files, inputs, refused } = claims;
  return [networks, files, inputs, refused].flatMap(({ rows }) => rows)
    .flatMap(({ what: [what], cells }) =>
      Object.entries(cells)
        .filter(([, pattern]) => borne(pattern, evidence).length === 0)
        .map(([column]) => `${what}: ${column}`)
    );
}

const borne = (
  pattern: RegExp | undefined,
  evidence: readonly Evidence[],
): readonly Evidence[] =>
  pattern ? evidence.filter(({ name }) => pattern.test(name)) : [];

/** The table of the rows that have a test, and the files of those tests. */
export function coverageTable(
  { of, columns, rows, counts }: Claims,
  evidence: readonly Evidence[],
): string {
  const files = new Set<string>();
  const cell = (pattern: RegExp | undefined): string => {
    const found = borne(pattern, evidence);
    found.forEach(({ file }) => files.add(file));
    if (found.length === 0) return "·";
    return counts ? String(found.length) : "✓";
  };
  const made = rows
    .map(({ what, cells }) => [
      ...what,
      ...columns.map((column) => cell(cells[column])),
    ])
    .filter((row) => row.slice(of.length).some((each) => each !== "·"));
  const tests = [...files].sort().map((file) => `\`${file}\``).join(", ");
  return `${markdown([...of, ...columns], made)}\n\nTests: ${tests}.`;
}

async function casesTable(folder: string): Promise<string> {
  const cases = await recordedPipelines(folder);
  return markdown(
    ["pipeline", "case", "scheduler", "options"],
    cases.map(({ pipeline, name, scheduler, options }) => [
      `\`${pipeline}\``,
      `\`${name}\``,
      scheduler,
      options.join(", ") || "–",
    ]),
  );
}

async function chainsList(file: string): Promise<string> {
  const chains = await recordedChains(file);
  const byClass = Map.groupBy(chains, ({ scheduler }) => scheduler);
  return [...byClass].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, chains]) => {
      const keys = new Set(chains.flatMap(({ keys }) => keys));
      return `- **${name}**, ${chains.length} chains: ${
        [...keys].sort().map((key) => `\`${key}\``).join(", ")
      }`;
    }).join("\n");
}

const markdown = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string =>
  [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
