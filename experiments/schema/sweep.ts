/** One file for several experiments, one for each combination of choices, seeds and kinds of payload. */
import {
  conform,
  different,
  type Given,
  oneOf,
  openRecord,
  wholeFrom,
} from "@dip-go/core/files";
import * as v from "valibot";
import { checkExperiment, type ExperimentInput } from "./experiment.ts";
import { withValue } from "./setting.ts";
import type { Section, Study } from "./study.ts";

const listsSchema = openRecord({
  name: v.optional(v.string(), ""),
  /** Seeds of the searches, instead of `seed`. */
  seeds: v.optional(v.pipe(
    different(wholeFrom(0)),
    v.check( // a generator reads the low 32 bits
      (seeds) =>
        new Set(seeds.map((seed) => seed % 2 ** 32)).size === seeds.length,
      "seeds that differ in their low 32 bits",
    ),
  )),
  /** Kinds of value that backup connections hold, instead of `superNet.backup`. */
  payloads: v.optional(different(oneOf(["output", "residual"]))),
  /** Lists of choices, such as models and counts of steps; a choice has a label, and values by their paths but name and seed. */
  vary: v.optional(v.pipe(
    v.array(v.pipe(
      v.record(v.string(), v.record(v.string(), v.unknown())),
      v.check((list) => Object.keys(list).length > 0, "a choice at least"),
      v.check(
        (list) =>
          !Object.values(list).some((own) => "seed" in own || "name" in own),
        "no seed, which the list seeds varies, and no name, which labels give",
      ),
    )),
    v.nonEmpty("a list of choices, one at least"),
  )),
});

/** The lists that make several experiments of one file. */
export type SweepLists = Omit<Given<typeof listsSchema>, "name">;

/** A file of several experiments; a module default-exports it `satisfies Sweep`. */
export type Sweep =
  & Pick<ExperimentInput, "name" | "description">
  & Partial<ExperimentInput>
  & SweepLists;

/** The values that each choice of a list sets, by label and path. */
type Choices = Readonly<Record<string, Tree>>;

/** The choices between values of one path; a label is `word` followed by the value. */
const choicesOf = (
  values: readonly (string | number)[] = [],
  { word, path }: { readonly word: string; readonly path: string },
): Choices =>
  Object.fromEntries(
    values.map((value) => [`${word}${value}`, { [path]: value }]),
  );

/** The label and values of every combination of one choice from each list. */
const combinations = (lists: readonly Choices[]): [string, Tree][] =>
  lists.reduce<[string, Tree][]>(
    (all, list) =>
      all.flatMap(([label, values]) =>
        Object.entries(list).map(([other, own]): [string, Tree] => [
          [label, other].filter(Boolean).join(", "),
          { ...values, ...own },
        ])
      ),
    [["", {}]],
  );

type Tree = Readonly<Record<string, unknown>>;

/**
 * The experiments of a file, one for each combination of choices, payload and seed.
 *
 * @throws {RangeError} If a value is impossible or a key unknown, or a list stands beside the value that it replaces.
 */
export function sectionsOfFile(given: unknown): Section[] {
  const { seeds, payloads, vary, ...rest } = (given ?? {}) as
    & Tree
    & SweepLists;
  if (!seeds && !payloads && !vary) {
    const experiment = checkExperiment(given);
    return [{ label: experiment.name, experiment }];
  }
  const doing = `run experiment ${rest.name}`;
  const found = conform(listsSchema, given, doing, RangeError);
  refuse("seed" in rest && seeds, doing, "seed");
  const superNet = rest.superNet as Tree | undefined;
  refuse(superNet?.backup && payloads, doing, "superNet.backup");
  const lists = [
    ...found.vary ?? [],
    choicesOf(found.payloads, { word: "", path: "superNet.backup" }),
    choicesOf(found.seeds, { word: "seed ", path: "seed" }),
  ].filter((list) => Object.keys(list).length > 0);
  refuseTwice(lists, doing);
  const sections = combinations(lists).map(([label, values]) => {
    const named: unknown = { ...rest, name: `${found.name}-${slug(label)}` };
    const experiment = Object.entries(values).reduce(
      (changed, [path, value]) => withValue(changed, path, value),
      named,
    );
    return { label, experiment: checkExperiment(experiment) };
  });
  const areOne = (of: (each: Section["experiment"]) => string) =>
    new Set(sections.map(({ experiment }) => of(experiment))).size <
      sections.length;
  const labels = sections.map(({ label }) => JSON.stringify(label)).join(", ");
  if (areOne(({ name }) => name)) {
    throw new RangeError(
      `Cannot ${doing}: vary has labels ${labels}, expected ones that differ in letters and digits`,
    );
  }
  if (areOne(({ name: _, description: __, ...own }) => JSON.stringify(own))) {
    throw new RangeError(
      `Cannot ${doing}: two of ${labels} set the same values, expected ones that differ`,
    );
  }
  return sections;
}

/** The experiments of one file as a study, whose results are joined; undefined if there is only one. */
export function sweepOf(sections: readonly Section[]): Study | undefined {
  if (sections.length === 1) return undefined;
  const [{ label, experiment: { name, description } }] = sections;
  return {
    name: name.slice(0, -1 - slug(label).length),
    description: description || sections.map((each) => each.label).join("; "),
    paper: [],
    sections: { full: sections, embedded: sections },
    notes: [],
  };
}

const slug = (label: string): string =>
  label.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-").replace(/-$/, "");

/** Refuses lists of choices if one sets a path that another one sets, or a part of it. */
function refuseTwice(lists: readonly Choices[], doing: string): void {
  const set = lists.map((list) => Object.values(list).flatMap(Object.keys));
  for (const [i, paths] of set.entries()) {
    const before = set.slice(0, i).flat();
    for (const path of paths) {
      const first = before.find((each) =>
        `${each}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${each}.`)
      );
      if (first === undefined) continue;
      throw new RangeError(
        `Cannot ${doing}: one list sets ${first} and another ${path}, expected values that one list sets`,
      );
    }
  }
}

function refuse(stands: unknown, doing: string, path: string): void {
  if (!stands) return;
  throw new RangeError(
    `Cannot ${doing}: ${path} stands beside a list of such, expected one of them`,
  );
}
