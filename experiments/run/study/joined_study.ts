/** A study's results: the rows of its sections and the paper's in one `results.json`. */
import type { ResultRow, Results } from "@dip-go/eval/tables";
import {
  macsOfRow,
  type PaperRow,
  sparsityOf,
  type Study,
} from "../../schema/study.ts";

/** The results of a finished section. */
export interface SectionResults {
  readonly label: string;
  readonly promptSet?: string;
  readonly results: Results;
}

/** A section's results with its CLIP score named for its prompts. */
export function namedByPrompts(
  { promptSet }: Pick<SectionResults, "promptSet">,
  results: Results,
): Results {
  if (promptSet === undefined) return results;
  const rows = results.rows.map((row) => ({
    ...row,
    metrics: Object.fromEntries(
      Object.entries(row.metrics).map(([name, value]) => [
        name === "clip" ? `clip_${promptSet}` : name,
        value,
      ]),
    ),
  }));
  return { ...results, rows };
}

/** The paper's row in the form of our rows; its MACs stay in the paper's convention. */
export function paperResultRow(row: PaperRow): ResultRow {
  const { label, dense, speedup, seconds, metrics = {} } = row;
  const macs = macsOfRow(row);
  return {
    method: label,
    sparsity: sparsityOf(row),
    macs,
    macsSpeedup: Number(dense) * 1e12 / macs,
    latencyMs: seconds === undefined ? null : 1000 * seconds,
    speedup: speedup ?? null,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, mean]) => [name, { mean }]),
    ),
    source: "paper",
  };
}

/** A section's row with the section's label in its method's name, and in the names of its rivals. */
function labelled(row: ResultRow, label: string): ResultRow {
  const named = (method: string) => `${method} (${label})`;
  const metrics = Object.fromEntries(
    Object.entries(row.metrics).map(([name, { versus, toBest, ...value }]) => [
      name,
      {
        ...value,
        ...versus && { versus: { ...versus, method: named(versus.method) } },
        ...toBest && { toBest: { ...toBest, method: named(toBest.method) } },
      },
    ]),
  );
  return { ...row, method: named(row.method), metrics };
}

/** The rows of all sections; a full model that several sections sample alike stands once. */
function ownRows(sections: readonly SectionResults[]): ResultRow[] {
  const seen = new Set<string>();
  return sections.flatMap(({ label, promptSet, results }) => {
    const { model, sampler, rows } = namedByPrompts({ promptSet }, results);
    const full = rows.find(({ method }) => method === "full");
    const dense = JSON.stringify([model, sampler, promptSet, full?.macs]);
    const own = seen.has(dense) ? rows.filter((row) => row !== full) : rows;
    if (full) seen.add(dense);
    return sections.length > 1 ? own.map((row) => labelled(row, label)) : own;
  });
}

/** The value that all sections share; undefined if they differ. */
function shared<Value>(values: readonly Value[]): Value | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}

/** Different values in order, as one text. */
const list = (values: readonly string[]) => [...new Set(values)].join(", ");

/** One results record of a study; the sampler's steps and guidance are the first section's. */
export function joinedStudy(
  { name, paper }: Study,
  sections: readonly SectionResults[],
): Results {
  const all = sections.map(({ results }) => results);
  const last = all[all.length - 1];
  return {
    experiment: name,
    model: list(all.map(({ model }) => model)),
    sampler: {
      ...all[0].sampler,
      name: list(all.map(({ sampler }) => sampler.name)),
    },
    rows: [...ownRows(sections), ...paper.map(paperResultRow)],
    seed: shared(all.map(({ seed }) => seed)),
    samples: shared(all.map(({ samples }) => samples)),
    precision: shared(all.map(({ precision }) => precision)),
    gradientPasses: shared(all.map((each) => each.gradientPasses)),
    commit: list(all.map(({ commit }) => commit ?? "unknown")),
    hardware: last.hardware,
    date: last.date,
    command: last.command,
  };
}
