/** The machine of a bench, which its file of figures names. */
import { cpus, totalmem } from "node:os";
import { writeAtomically } from "@dip-go/core/files";

/** Where figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** 10⁹ bytes. */
  readonly memoryGb: number;
  readonly os: string;
  readonly deno: string;
}

/** The machine that this runs on. */
export function thisMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0].model,
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 1e9),
    os: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
  };
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
  const content = { bench: name, date, machine: thisMachine(), figures };
  const path = `${folder}/${name}.json`;
  await writeAtomically(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
}
