/** The experiments that `deno task experiment` runs: this repository's, its studies' and any file's. */
import type { Experiment } from "./experiment.ts";
import { readExperiment } from "./experiment_file.ts";
import type { Study } from "./study.ts";
import { sectionsOfFile, type Sweep } from "./sweep.ts";

/** The default exports of a folder's files, in the order of their names. */
async function shipped<Value>(folder: URL): Promise<Value[]> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !/^mod\.|_test\./.test(name));
  const modules: { default?: Value }[] = await Promise.all(
    names.sort().map((name) => import(new URL(name, folder).href)),
  );
  return modules.flatMap((each) => each.default ?? []);
}

const files = await shipped<Experiment | Sweep>(
  new URL("../", import.meta.url),
);

/** This repository's experiments, in the order of `--list`. */
export const experiments = files.filter((each): each is Experiment =>
  !("vary" in each)
);

/** This repository's files of several experiments. */
const sweeps = files.filter((each) => "vary" in each);

/** The tables and figures of the paper, then models at real scale beside the figures of other papers. */
export const studies: readonly Study[] = [
  ...await shipped<Study>(new URL("../paper/", import.meta.url)),
  ...await shipped<Study>(new URL("../published/", import.meta.url)),
];

/** Names and descriptions of experiments, then of studies. */
export const listed: readonly { name: string; description: string }[] = [
  ...experiments,
  ...sweeps.map(({ name, description = "" }) => ({ name, description })),
  ...studies,
];

/** The experiments of all studies' and sweeps' sections, which can be run by their own names too. */
const sections: readonly Experiment[] = [
  ...studies.flatMap(({ sections }) => Object.values(sections).flat()),
  ...sweeps.flatMap(sectionsOfFile),
].map(({ experiment }) => experiment);

/** The study of that name, or undefined. */
export const studyNamed = (name: string): Study | undefined =>
  studies.find((each) => each.name === name);

/**
 * An experiment of this repository, or a section of a study or sweep, by its name.
 *
 * @throws {RangeError} If there is no experiment of that name.
 *
 * @example
 * ```ts
 * import { experimentNamed } from "@dip-go/experiments";
 * import { assertEquals } from "@std/assert";
 *
 * const { model, sparsity } = experimentNamed("quickstart");
 * assertEquals(model, "zoo/models/dit-shapes");
 * assertEquals(sparsity, [0.5, 0.7, 0.8]);
 * ```
 */
export function experimentNamed(name: string): Experiment {
  const experiment = [...experiments, ...sections]
    .find((each) => each.name === name);
  if (experiment) return experiment;
  throw new RangeError(
    `Cannot find experiment "${name}", expected a .ts, .json or .yaml file or one of ${
      listed.map((each) => each.name).join(", ")
    }`,
  );
}

/**
 * The experiment of a name or of a file, not checked yet.
 *
 * @throws As {@linkcode experimentNamed} and {@linkcode readExperiment}.
 */
export const experimentOf = async (nameOrFile: string): Promise<unknown> =>
  /\.(ts|json|ya?ml)$/.test(nameOrFile)
    ? await readExperiment(nameOrFile)
    : sweeps.find(({ name }) => name === nameOrFile) ??
      experimentNamed(nameOrFile);
