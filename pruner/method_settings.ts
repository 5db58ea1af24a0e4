/** Methods with settings of their own, which an experiment may list beside plain names. */
import { oneOf, record, text } from "@dip-go/core/files";
import { type Precision, precisions } from "@dip-go/core/runtime";
import * as v from "valibot";
import type { Method } from "./method.ts";
import { methodNamed, methods } from "./named_methods.ts";
import { classSettings, type SearchSettings } from "./search_settings.ts";

/** Names of methods by the shorter kinds that stand for them. */
const kinds: Readonly<Record<string, string>> = {
  energy: "energy+forecast",
  uniform: "uniform-reuse",
};

const methodOfKind = (kind: string): Method => methodNamed(kinds[kind] ?? kind);

/** A method's name, or its kind with settings that replace the experiment's. */
export type MethodChoice = string | {
  readonly kind: string;
  /** The name of its rows; the kind and the settings that differ by default. */
  readonly name?: string;
  /** The precision in which its plans are sampled; the run's by default. */
  readonly precision?: Precision;
  readonly [setting: string]: unknown;
};

type Tree = { readonly [key: string]: unknown };

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A copy of a schema without defaults: every key may be absent, at every depth. */
function sparse(schema: v.GenericSchema): v.GenericSchema {
  const { wrapped, entries } = schema as {
    wrapped?: v.GenericSchema;
    entries?: v.ObjectEntries;
  };
  if (wrapped) return sparse(wrapped);
  return entries ? record(sparseEntries(entries)) : schema;
}

function sparseEntries(entries: v.ObjectEntries): v.ObjectEntries {
  const sparsed = Object.entries(entries).map(([key, schema]) => [
    key,
    v.optional(sparse(schema as v.GenericSchema)),
  ]);
  return Object.fromEntries(sparsed);
}

/** Schemas of the parts of the search settings, without defaults. */
const parts = sparseEntries(classSettings.entries);

/** The keys that a method's record may have: the settings of its own part, and its other parts by name. */
function choiceEntries({ settings: [own, ...others] = [] }: Method) {
  const section = parts[own] as v.OptionalSchema<typeof classSettings, never>;
  return {
    kind: v.string(),
    name: v.optional(v.pipe(
      text(),
      v.regex(/^[\w+,=.-]+$/, "letters, digits and any of + , = . _ -"),
      v.notValue("full", "another name than the full model's"),
    )),
    precision: v.optional(oneOf(precisions)),
    ...section?.wrapped.entries,
    ...Object.fromEntries(others.map((name) => [name, parts[name]])),
  };
}

const names = methods.map(({ name }) => name);

/** The schema of one of an experiment's methods. */
const choice = v.lazy((value): v.GenericSchema<unknown, MethodChoice> => {
  if (!isTree(value)) return oneOf(names);
  const kind = oneOf([...Object.keys(kinds), ...names]);
  const known = v.safeParse(kind, value.kind);
  const entries = known.success
    ? choiceEntries(methodOfKind(known.output))
    : Object.fromEntries(Object.keys(value).map((key) => [key, v.unknown()]));
  return record({ ...entries, kind }) as v.GenericSchema<unknown, MethodChoice>;
});

/** The schema of an experiment's methods, whose names must differ. */
export const methodChoices = v.pipe(
  v.array(choice),
  v.check(
    (list) =>
      list.length > 0 &&
      new Set(list.map((each) => methodOf(each).name)).size === list.length,
    "a list of methods with different names, one at least",
  ),
);

/** The kind and its settings as a name: `genetic,evaluations=40`. */
function nameOf(kind: string, own: Tree): string {
  const differing = (tree: Tree, path: string): string[] =>
    Object.entries(tree).flatMap(([key, value]) =>
      isTree(value)
        ? differing(value, `${path}${key}.`)
        : `${path}${key}=${value}`
    );
  return [kind, ...differing(own, "")].join(",");
}

/** The first tree, with values of the second instead of its own. */
function merged<Value>(value: Value, other: unknown): Value {
  if (!isTree(other)) return other as Value;
  const base: Tree = isTree(value) ? value : {};
  return Object.fromEntries(
    [...new Set([...Object.keys(base), ...Object.keys(other)])].map((key) => [
      key,
      key in other ? merged(base[key], other[key]) : base[key],
    ]),
  ) as Value;
}

/**
 * The search settings that a method of an experiment works with.
 *
 * @param search The experiment's search settings.
 */
export function searchOf(
  chosen: MethodChoice,
  search: SearchSettings,
): SearchSettings {
  if (typeof chosen === "string") return search;
  const { kind, name: _, precision: __, ...own } = chosen;
  const [first, ...others] = methodOfKind(kind).settings ?? [];
  return Object.entries(own).reduce(
    (changed, [key, value]) =>
      merged(
        changed,
        others.some((part) => part === key)
          ? { [key]: value }
          : { [first]: { [key]: value } },
      ),
    search,
  );
}

/**
 * The method that an experiment chooses, which fits with the chosen settings.
 *
 * @throws {RangeError} If there is no method of that kind.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { methodOf } from "@dip-go/pruner/methods";
 *
 * const { name } = methodOf({ kind: "energy", forecast: "fitted" });
 * assertEquals(name, "energy+forecast,forecast=fitted");
 * ```
 */
export function methodOf(chosen: MethodChoice): Method {
  if (typeof chosen === "string") return methodNamed(chosen);
  const { name, kind, ...own } = chosen;
  const { precision } = own;
  const method = methodOfKind(kind);
  const settled = <Read extends { readonly search: SearchSettings }>(
    read: Read,
  ): Read => ({ ...read, search: searchOf(chosen, read.search) });
  return {
    ...method,
    name: name ?? nameOf(method.name, own),
    precision,
    reads: (read) => method.reads?.(settled(read)) ?? settled(read),
    parts: (task) => method.parts?.(settled(task)) ?? [],
    searchCost: (search) => method.searchCost?.(settled(search)) ?? 0,
    ...method.pictures && {
      pictures: (read) => method.pictures!(settled(read)),
    },
    fit: (context, maxCost) => method.fit(settled(context), maxCost),
  };
}
