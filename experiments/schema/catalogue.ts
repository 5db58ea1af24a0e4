/** What `deno task experiment` knows: experiments and studies, a file each, listed here. */
import type { Experiment } from "./experiment.ts";
import { studies } from "../paper/studies.ts";
import type { Study } from "./study.ts";
import quickstart from "../quickstart.ts";
import quickstartSd from "../quickstart_sd.ts";

/** In the order of `--list`. */
export const experiments: readonly Experiment[] = [quickstart, quickstartSd];

/** Names and descriptions of experiments, then of studies. */
export const listed: readonly { name: string; description: string }[] = [
  ...experiments,
  ...studies,
];

/** The sections of all studies can be run by their own names, too. */
const sections: readonly Experiment[] = studies.flatMap(({ sections }) =>
  [...sections.full, ...sections.embedded].map(({ experiment }) => experiment)
);

/** The study of that name, or undefined. */
export const studyNamed = (name: string): Study | undefined =>
  studies.find((each) => each.name === name);

/**
 * One of this repository's experiments, or a section of a study of the paper.
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
 * assertEquals(sparsity, [0.5, 0.6, 0.7, 0.8]);
 * ```
 */
export function experimentNamed(name: string): Experiment {
  const experiment = [...experiments, ...sections]
    .find((each) => each.name === name);
  if (experiment) return experiment;
  throw new RangeError(
    `Cannot find experiment "${name}", expected one of ${
      listed.map((each) => each.name).join(", ")
    }`,
  );
}
