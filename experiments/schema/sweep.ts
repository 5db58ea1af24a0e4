/** One file for several experiments: a search for each of some seeds and for each payload that units may hold. */
import {
  conform,
  different,
  type Given,
  oneOf,
  openRecord,
  wholeFrom,
} from "@dip-go/core/files";
import * as v from "valibot";
import { checkExperiment } from "./experiment.ts";
import type { Section, Study } from "./study.ts";

const lists = openRecord({
  name: v.optional(v.string(), ""),
  /** Of the searches, in the place of `seed`. */
  seeds: v.optional(different(wholeFrom(0))),
  /** What backup connections hold, in the place of `superNet.backup`. */
  payloads: v.optional(different(oneOf(["output", "residual"]))),
});

/** What an experiment's file may say besides an experiment. */
export type SweepLists = Pick<Given<typeof lists>, "seeds" | "payloads">;

/** A list's values as settings; one that changes nothing where there is no list. */
const settingsOf = <Value extends string | number>(
  values: readonly Value[] | undefined,
  word: string,
  set: (value: Value) => (experiment: Tree) => Tree,
): { label: string; change: (experiment: Tree) => Tree }[] =>
  values?.map((value) => ({
    label: `${word}${value}`,
    change: set(value),
  })) ?? [{ label: "", change: (experiment) => experiment }];

type Tree = Readonly<Record<string, unknown>>;

/**
 * The experiments of a file, one for each seed and payload.
 *
 * @throws {RangeError} If a value is impossible or a key unknown, or a list stands beside the value in whose place it is.
 */
export function sectionsOfFile(given: unknown): Section[] {
  const { seeds, payloads, ...rest } = (given ?? {}) as Tree & SweepLists;
  if (!seeds && !payloads) {
    const experiment = checkExperiment(given);
    return [{ label: experiment.name, experiment }];
  }
  const doing = `run experiment ${rest.name}`;
  const found = conform(lists, given, doing, RangeError);
  refuse("seed" in rest && seeds, doing, "seed");
  const superNet = rest.superNet as Tree | undefined;
  refuse(superNet?.backup && payloads, doing, "superNet.backup");
  const bySeed = settingsOf(
    found.seeds,
    "seed ",
    (seed) => (experiment) => ({ ...experiment, seed }),
  );
  const byPayload = settingsOf(
    found.payloads,
    "",
    (backup) => (experiment) => ({
      ...experiment,
      superNet: { ...superNet, backup },
    }),
  );
  return byPayload.flatMap((payload) =>
    bySeed.map((seed) => {
      const label = [payload.label, seed.label].filter(Boolean).join(", ");
      const name = `${found.name}-${slug(label)}`;
      const experiment = payload.change(seed.change({ ...rest, name }));
      return { label, experiment: checkExperiment(experiment) };
    })
  );
}

/** Experiments of one file as a study, whose results are joined; undefined where there is but one. */
export function sweepOf(sections: readonly Section[]): Study | undefined {
  if (sections.length === 1) return undefined;
  const [{ label, experiment: { name, description } }] = sections;
  return {
    name: name.slice(0, -1 - slug(label).length),
    description: description || sections.map((each) => each.label).join("; "),
    paper: [],
    sections: { full: sections, embedded: sections },
    explanations: {},
    notes: [],
  };
}

const slug = (label: string): string => label.replaceAll(/[, ]+/g, "-");

function refuse(stands: unknown, doing: string, path: string): void {
  if (!stands) return;
  throw new RangeError(
    `Cannot ${doing}: ${path} stands beside a list of such, expected one of them`,
  );
}
