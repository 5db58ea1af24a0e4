/**
 * Checks JSON against schemas: all values from people or files come in this way.
 * Schemas are valibot's; their messages are the expectations in {@linkcode conform}'s errors.
 */
import * as v from "valibot";

/** A schema's values, with everything in them read-only. */
export type Conformed<Schema extends v.GenericSchema> = Frozen<
  v.InferOutput<Schema>
>;

/** A schema's values before defaults are filled in, with everything in them read-only. */
export type Given<Schema extends v.GenericSchema> = Frozen<
  v.InferInput<Schema>
>;

type Frozen<Value> = Value extends object
  ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
  : Value;

/** Characters of a found value that an error shows. */
const shownLength = 120;

/** The expectation of a schema without a message of its own, by valibot's name of its type. */
const words: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  string: "a string",
};

function expectedOf({ type, expected }: v.BaseIssue<unknown>): string {
  if (type !== "variant") return words[type] ?? `${expected}`;
  const kinds = [...`${expected}`.matchAll(/"([^"]*)"/g)];
  return kinds.length === 0
    ? words.object
    : `one of ${kinds.map(([, kind]) => kind).join(", ")}`;
}

/**
 * Checks a value against its schema; returns it with defaults filled in.
 *
 * @param doing Names the failed action in the error, as in "read plan.json".
 * @throws {TypeError} Or `Kind`, if the value does not fit; names the first wrong path, its value and the expectation.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { conform, record, wholeFrom } from "@dip-go/core/files";
 *
 * const schema = record({ steps: wholeFrom(1) });
 * assertThrows(
 *   () => conform(schema, { steps: -5 }, "read a.json"),
 *   TypeError,
 *   "Cannot read a.json: steps is -5, expected a whole number from 1",
 * );
 * ```
 */
export function conform<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  doing: string,
  Kind: typeof TypeError | typeof RangeError = TypeError,
): v.InferOutput<Schema> {
  const { issues, output } = v.safeParse(schema, value, {
    abortEarly: true,
    message: expectedOf,
  });
  if (!issues) return output;
  const [{ path, message }] = issues;
  const found = path ? path[path.length - 1].value : value;
  throw new Kind(
    `Cannot ${doing}: ${pathText(path)} is ${
      shown(found)
    }, expected ${message}`,
  );
}

/** A path as text: `rows[0].metrics.psnr`. */
const pathText = (path: readonly v.IssuePathItem[] = []): string =>
  path.map(({ key }) => typeof key === "number" ? `[${key}]` : `.${key}`)
    .join("").replace(/^\./, "") || "it";

function shown(value: unknown): string {
  const text = typeof value === "number"
    ? `${value}`
    : JSON.stringify(value) ?? "missing";
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}

/** An object with these keys and no other. */
export const record = <const Entries extends v.ObjectEntries>(
  entries: Entries,
) =>
  noList(v.strictObject(
    // without a prototype, or "constructor" would be a known key
    Object.assign(Object.create(null), entries) as Entries,
    (issue) =>
      issue.expected === "never"
        ? `no key but ${Object.keys(entries).join(", ")}`
        : ofMissing(entries, issue),
  ));

/** An object with these keys; other keys are left out of the result. */
export const openRecord = <const Entries extends v.ObjectEntries>(
  entries: Entries,
) => noList(v.object(entries, (issue) => ofMissing(entries, issue)));

/** Refuses lists, which valibot takes for objects. */
const noList = <Schema extends v.GenericSchema>(schema: Schema): Schema => ({
  ...schema,
  "~run": (dataset, config) =>
    schema["~run"](
      Array.isArray(dataset.value) ? { value: undefined } : dataset,
      config,
    ),
});

/** The expectation of a missing key's schema, or "an object" for a value that is no object. */
function ofMissing(
  entries: v.ObjectEntries,
  { path }: { path?: readonly v.IssuePathItem[] },
): string {
  const missing = path?.at(-1);
  const schema = missing?.origin === "key" && entries[`${missing.key}`];
  if (!schema) return words.object;
  const { issues } = v.safeParse(schema as v.GenericSchema, undefined, {
    message: expectedOf,
  });
  return issues?.[0].message ?? "a value";
}

/** A schema for numbers that `holds` accepts. @param words The expectation. */
const within = (words: string, holds: (value: number) => boolean) =>
  v.pipe(v.number(words), v.check(holds, words));

/** A number that is finite in float32 too, in which networks compute. */
export const finite = within(
  "a finite number",
  (value) => Number.isFinite(Math.fround(value)),
);
/** A finite number from 0. */
export const weight = within(
  "a number from 0",
  (value) => value >= 0 && value < Infinity,
);
export const positive = within(
  "a number above 0",
  (value) => value > 0 && value < Infinity,
);
/** A part of a whole, never all of it. */
export const fraction = within(
  "a number from 0 on, below 1",
  (value) => value >= 0 && value < 1,
);
/** A whole number from `least` on, such as a count or a seed. */
export const wholeFrom = (least: number) =>
  within(
    `a whole number from ${least}`,
    (value) => Number.isSafeInteger(value) && value >= least,
  );

/** A string that is not empty. @param expected The expectation. */
export const text = (expected = "a string that is not empty") =>
  v.pipe(v.string(expected), v.nonEmpty(expected));

/** One of a few strings. */
export const oneOf = <const Names extends readonly string[]>(names: Names) =>
  v.picklist(
    names,
    names.length > 2 ? `one of ${names.join(", ")}` : names.join(" or "),
  );

/** A list of different values, not empty. */
export const different = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(
    v.array(item),
    v.check(
      (list) => list.length > 0 && new Set(list).size === list.length,
      "a list of different values, one at least",
    ),
  );

/** The path of a value that contradicts another value of its record, and the expectation at that path. */
export interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly expected: string;
}

/** A check of a record's values against each other, after each value's own check. */
export const together = <Value>(
  find: (value: Frozen<Value>) => Contradiction | undefined,
): v.RawCheckAction<Value> =>
  v.rawCheck(({ dataset, addIssue }) => {
    const odd = dataset.typed && find(dataset.value as Frozen<Value>);
    if (!odd) return;
    let input: unknown = dataset.value;
    const path = odd.path.map((key): v.IssuePathItem => {
      const value = (input as Record<string | number, unknown>)?.[key];
      const item = { type: "unknown", origin: "value", input, key, value };
      input = value;
      return item as v.UnknownPathItem;
    });
    const [first, ...rest] = path;
    addIssue({ message: odd.expected, path: [first, ...rest] });
  });
