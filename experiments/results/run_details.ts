/** What a run's `report.json` holds: gates, pictures, subjects and what searches reported. */
import {
  pictureBytes,
  picturesWithin,
  type RowDetails,
  type RunDetails,
} from "@dip-go/eval/report";
import type { Bench } from "../run/bench.ts";
import { evaluationPairs } from "../run/evaluate.ts";
import { rowName } from "./measured_row.ts";
import type { ReportContent } from "./report.ts";
import type { RunFolder, RunIdentity } from "./run_folder.ts";
import { searchCurves } from "./search_curves.ts";

/** The details of a finished run. */
export async function runDetails(
  folder: RunFolder,
  bench: Bench,
  { rows, images, notes }: ReportContent,
): Promise<RunDetails> {
  const { net } = bench;
  const config = await Deno.readTextFile(`${folder.path}/config.json`);
  const { experiment, device }: RunIdentity = JSON.parse(config);
  const pictures = picturesWithin(images, { maxBytes: pictureBytes });
  const shown = pictures.get("full")!.length;
  return {
    description: experiment.description,
    device,
    experiment,
    notes,
    units: net.units,
    subjects: evaluationPairs(bench).slice(0, shown)
      .map(({ subject }) => subjectText(subject)),
    rows: [
      { method: "full", sparsity: 0, pictures: pictures.get("full") },
      ...rows.map(({ row: { method, sparsity }, fitted }): RowDetails => ({
        method,
        sparsity,
        pictures: pictures.get(rowName(method, sparsity)),
        ...fitted.kind === "gates"
          ? { gates: fitted.plan.gates.map((step) => step.join("")) }
          : {},
      })),
    ],
    curves: await searchCurves(`${folder.path}/searches`),
  };
}

/** A prompt, or "class 7". */
function subjectText(subject: string | number): string {
  return typeof subject === "number" ? `class ${subject}` : subject;
}
