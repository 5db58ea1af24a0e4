/** `--set path=value`: other values at places of an experiment. */
import { checkExperiment, type Experiment } from "./experiment.ts";

/** As {@linkcode withValues}, checked. @throws {RangeError} Also if the experiment with them is impossible. */
export const withSettings = (
  experiment: unknown,
  settings: readonly string[],
): Experiment => checkExperiment(withValues(experiment, settings));

/**
 * The experiment with values replaced, or set where there were none, not checked yet.
 *
 * @param settings `path=value` each, such as `sampler.steps=50` or `methods.0.forecast=held`; a value is JSON, and a string may go without quotes; null takes a value away.
 * @throws {RangeError} If a setting is no `path=value`, or there is no such place in a list.
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

/** The experiment with one value at a place such as `sampler.steps`, not checked yet. */
export const withValue = (
  experiment: unknown,
  path: string,
  value: unknown,
): unknown => replaced(experiment, path.split("."), value);

/** A name in a list that is given a setting is a record of that kind. */
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
