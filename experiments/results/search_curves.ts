/** Curves of the values that searches report, in files beside their checkpoints, a line a report. */
import { entriesOf } from "@dip-go/core/files";
import type { ReportCurve } from "@dip-go/eval/report";

const ending = ".curve.jsonl";

/** Notes values of one iteration, numbered from 0, in a search's file. */
export function noteIteration(
  checkpoint: string,
  iteration: number,
  values: Readonly<Record<string, number>>,
): void {
  const path = checkpoint.replace(/\.safetensors$/, ending);
  // a line break first, so that the unfinished line of a killed run stands alone
  const line = "\n" + JSON.stringify({ iteration, ...values });
  Deno.writeTextFileSync(path, line, { append: true });
}

/**
 * The curves of all searches in a folder: one for each value, named after search
 * and value. A search that was killed does the iterations after its last
 * checkpoint again; of two notes of an iteration the last counts.
 */
export async function searchCurves(folder: string): Promise<ReportCurve[]> {
  const curves: ReportCurve[] = [];
  const files = (await entriesOf(folder)).map(({ name }) => name)
    .filter((name) => name.endsWith(ending));
  for (const file of files.sort()) {
    const text = await Deno.readTextFile(`${folder}/${file}`);
    curves.push(...curvesOf(file.slice(0, -ending.length), text));
  }
  return curves;
}

function curvesOf(search: string, text: string): ReportCurve[] {
  const notes = new Map<number, Record<string, number>>();
  for (const line of text.split("\n")) {
    const note = parsed(line);
    if (note) notes.set(note.iteration, note);
  }
  const ordered = [...notes.values()]
    .sort((a, b) => a.iteration - b.iteration);
  const names = Object.keys(ordered[0] ?? {})
    .filter((name) => name !== "iteration");
  return names.map((name) => ({
    name: `${search}: ${name}`,
    points: ordered.map((note) => [note.iteration, note[name]] as const),
  }));
}

/** A note, or undefined for the line that a killed run did not finish. */
function parsed(line: string): Record<string, number> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
