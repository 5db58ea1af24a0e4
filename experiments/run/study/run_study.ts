/**
 * Runs a study: its sections one after another, each in a run folder of its own,
 * then joins their results with the paper's rows. A killed study continues because
 * its sections do.
 */
import { createHash } from "node:crypto";
import { writeAtomically } from "@dip-go/core/files";
import {
  joinReports,
  readRunDetails,
  type ReportedRun,
  reportPage,
} from "@dip-go/eval/report";
import {
  joinResults,
  renderTable,
  type Results,
  writeResults,
} from "@dip-go/eval/tables";
import {
  type FinishedRun,
  partOf,
  runExperiment,
  type RunOptions,
} from "../runner.ts";
import { openStepTools } from "../steps/step_tools.ts";
import { joinedStudy, namedByPrompts, paperResultRow } from "./joined_study.ts";
import { type FinishedSection, pooledSections } from "./pooled_seeds.ts";
import type { Section, Study } from "../../schema/study.ts";

/**
 * Runs a study; steps that were made before are read from the store.
 *
 * @param sections The sections of one of its scales, with models and prompts on this machine.
 * @throws As `runExperiment`; every section is opened before the first runs, so that none is refused later.
 */
export async function runStudy(
  study: Study,
  sections: readonly Section[],
  options: RunOptions,
): Promise<FinishedRun> {
  for (const { experiment } of sections) {
    const part = await partOf(experiment, options);
    await using _tools = await openStepTools(part, { log: () => {} });
  }
  const finished: FinishedSection[] = [];
  for (const [i, section] of sections.entries()) {
    const { name } = section.experiment;
    options.log(
      `${study.name}: section ${i + 1} of ${sections.length}, ${name}`,
    );
    const run = await runExperiment(section.experiment, options);
    finished.push({ section, run });
  }
  return await writeStudy(study, finished, options.root);
}

async function writeStudy(
  study: Study,
  finished: readonly FinishedSection[],
  root: string,
): Promise<FinishedRun> {
  const results = joinedStudy(study, [
    ...pooledSections(finished),
    ...finished.map(({ section: { label, promptSet }, run: { results } }) => ({
      label,
      promptSet,
      results,
    })),
  ]);
  const folder = `${root}/${study.name}/${idOf(finished)}`;
  await Deno.mkdir(folder, { recursive: true });
  await writeResults(`${folder}/results.json`, results);
  await writeAtomically(
    `${folder}/table.md`,
    tableFile(study, results, finished),
  );
  const report = joinReports([
    ...await Promise.all(finished.map(reportedSection)),
    ...study.paper.length > 0
      ? [{ results: paperResults(study, results) }]
      : [],
  ], { title: study.name, lead: study.description });
  await writeAtomically(`${folder}/report.html`, await reportPage(report));
  const files = ["report.html", "results.json", "table.md"];
  const notes = [...missingRows(finished), ...notesOf(study)];
  return { folder, files, results, notes };
}

/** A section's results under its label, with the details of its run's `report.json`. */
async function reportedSection(
  { section, run: { folder, results } }: FinishedSection,
): Promise<ReportedRun> {
  const details = await readRunDetails(`${folder}/report.json`);
  const named = namedByPrompts(section, results);
  return { results: { ...named, experiment: section.label }, details };
}

/** The paper's rows as a run of their own. */
const paperResults = ({ paper }: Study, results: Results): Results => ({
  ...results,
  experiment: "paper",
  rows: paper.map(paperResultRow),
});

/** A study's id: the first 12 hexadecimal digits of SHA-256 of its sections' names and run-ids. */
function idOf(finished: readonly FinishedSection[]): string {
  const folders = finished.map(({ run: { folder } }) =>
    folder.split("/").slice(-2).join("/")
  );
  const hash = createHash("sha256").update(folders.join("\n"));
  return hash.digest("hex").slice(0, 12);
}

/** The notes on a study's figures: its own, then why printed MACs differ from the block graphs'. */
export const notesOf = ({ notes, explanations = {} }: Study): string[] => [
  ...notes,
  ...Object.values(explanations),
];

/** The reasons why rows are missing, with the labels of their sections. */
const missingRows = (finished: readonly FinishedSection[]): string[] =>
  finished.flatMap(({ section: { label }, run: { notes } }) =>
    notes.map((note) => finished.length > 1 ? `${label}: ${note}` : note)
  );

function tableFile(
  study: Study,
  results: Results,
  finished: readonly FinishedSection[],
): string {
  const { date, commit, hardware, command } = results;
  return [
    `# ${study.name}\n`,
    `${study.description}.\n`,
    renderTable(joinResults([results]), "md"),
    ...missingRows(finished).map((note) => `${note}\n`),
    "## Notes\n",
    ...notesOf(study).map((note) => `- ${note}`),
    "\n## Sections\n",
    ...finished.map(({ section: { label, experiment }, run: { folder } }) =>
      `- ${
        [label, experiment.description].filter(Boolean).join(": ")
      }; \`${folder}\``
    ),
    `\n${date}, commit ${commit}, ${hardware}: \`${command}\`\n`,
  ].join("\n");
}
