/** A bench's figures, and the file that keeps them. */
import { cpus, totalmem } from "node:os";
import { writeAtomically } from "@dip-go/core/files";

/** The figures that a measuring function resolves to. */
export type FiguresOf<Measure extends (...args: never[]) => Promise<unknown>> =
  Awaited<ReturnType<Measure>>;

/** Figures by the name of the measured model or task. */
export type ByName<Figures> = Readonly<Record<string, Figures>>;

/** Measures named subjects one after another: only one is in memory at a time. */
export async function byName<Name extends string, Subject, Figures>(
  subjects: Readonly<Record<Name, Subject>>,
  measure: (subject: Subject, name: Name) => Promise<Figures>,
): Promise<ByName<Figures>> {
  const figures: Record<string, Figures> = {};
  for (const name of Object.keys(subjects) as Name[]) {
    figures[name] = await measure(subjects[name], name);
  }
  return figures;
}

/** The result of a function, and the seconds that it takes. */
export async function timed<Value>(
  body: () => Value | Promise<Value>,
): Promise<[value: Value, seconds: number]> {
  const start = performance.now();
  const value = await body();
  return [value, (performance.now() - start) / 1000];
}

/**
 * Writes `<folder>/<name>.json`: the machine, the day, the figures.
 *
 * @returns The file's path.
 */
export async function writeFigures(
  folder: string,
  name: string,
  figures: unknown,
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const cores = cpus();
  const machine = {
    cpu: cores[0].model,
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 1e9),
    os: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
  };
  const content = { bench: name, date, machine, figures };
  const path = `${folder}/${name}.json`;
  await writeAtomically(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
}
