/** `--set path=value`: another value at one place of an experiment. */
import { type Experiment, isRecord, valueAt } from "./experiment.ts";

/**
 * The experiment with one value replaced by another of its kind.
 *
 * @param setting `path=value`, such as `sampler.steps=50`; the value is JSON, and a string may go without quotes.
 * @throws {RangeError} If the experiment has no value at that path.
 * @throws {TypeError} If the value is of another kind than the experiment's.
 */
export function withSetting(
  experiment: Experiment,
  setting: string,
): Experiment {
  const [path, ...rest] = setting.split("=");
  const text = rest.join("=");
  const current = valueAt(experiment, path);
  if (rest.length === 0 || current === undefined || isRecord(current)) {
    throw new RangeError(
      `Cannot set ${path}: expected path=value, with a path among ${
        leafPaths(experiment).join(", ")
      }`,
    );
  }
  const value = parsed(text, current);
  if (kindOf(value) !== kindOf(current)) {
    throw new TypeError(
      `Cannot set ${path}: found ${text}, expected ${kindOf(current)}`,
    );
  }
  return replaced({ ...experiment }, path.split("."), value) as
    & Record<string, unknown>
    & Experiment;
}

function leafPaths(record: object): string[] {
  return Object.entries(record).flatMap(([key, value]) =>
    isRecord(value) ? leafPaths(value).map((path) => `${key}.${path}`) : [key]
  );
}

function parsed(text: string, current: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return typeof current === "string" ? text : undefined;
  }
}

/** "a list of numbers": two values of one kind can stand for each other. */
function kindOf(value: unknown): string {
  if (!Array.isArray(value)) return `a ${value === null ? null : typeof value}`;
  const kinds = [...new Set(value.map((item) => typeof item))];
  return `a list of ${kinds.join(" and ")}s`;
}

function replaced(
  record: Record<string, unknown>,
  [key, ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const inner = record[key] as Record<string, unknown>;
  return {
    ...record,
    [key]: rest.length === 0 ? value : replaced(inner, rest, value),
  };
}
