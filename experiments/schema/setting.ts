/** `--set path=value`: replaces values of an experiment by their paths. */
import { checkExperiment, type Experiment } from "./experiment.ts";

/** {@linkcode withValues}, then the check. @throws {RangeError} Also if the experiment is impossible. */
export const withSettings = (
  experiment: unknown,
  settings: readonly string[],
): Experiment => checkExperiment(withValues(experiment, settings));

/**
 * The experiment with values replaced or added, not checked yet.
 *
 * @param settings Texts `path=value`, such as `sampler.steps=50` or `methods.0.forecast=held`. A value is JSON; a string needs no quotes; null removes a value.
 * @throws {RangeError} If a setting is not `path=value`, or an index is beyond its list.
 */
export const withValues = (
  experiment: unknown,
  settings: readonly string[],
): unknown => settings.reduce(withSetting, experiment);

function withSetting(experiment: unknown, setting: string): unknown {
  const [path, ...rest] = setting.split("=");
  if (path === "" || rest.length === 0) {
    throw new RangeError(
      `Cannot set ${
        JSON.stringify(setting)
      }: expected path=value, as in sampler.steps=50`,
    );
  }
  return withValue(experiment, path, parsed(rest.join("=")));
}

/** The experiment with one value set at a path such as `sampler.steps`, not checked yet. */
export const withValue = (
  experiment: unknown,
  path: string,
  value: unknown,
): unknown => replaced(experiment, path.split("."), value);

/** An item of a list; a name of which a setting is set becomes the record `{ kind: name }`. */
const named = (item: unknown, rest: readonly string[]): unknown =>
  typeof item === "string" && rest.length > 0 ? { kind: item } : item;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function replaced(
  found: unknown,
  [key, ...rest]: readonly string[],
  value: unknown,
): unknown {
  if (key === undefined) return value;
  if (Array.isArray(found)) {
    if (!/^\d+$/.test(key) || Number(key) >= found.length) {
      throw new RangeError(
        `Cannot set ${key} of a list of ${found.length}: expected 0 to ${
          found.length - 1
        }`,
      );
    }
    if (value === null && rest.length === 0) {
      return found.toSpliced(Number(key), 1);
    }
    const inner = named(found[Number(key)], rest);
    return found.with(Number(key), replaced(inner, rest, value));
  }
  const record = typeof found === "object"
    ? found as Record<string, unknown> | null
    : null;
  const inner = record && Object.hasOwn(record, key) ? record[key] : undefined;
  if (value === null && rest.length === 0) {
    const { [key]: _, ...others } = record ?? {};
    return others;
  }
  return { ...record, [key]: replaced(inner, rest, value) };
}
