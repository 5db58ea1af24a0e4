/** `--set path=value`: other values at places of an experiment. */
import { checkExperiment, type Experiment } from "./experiment.ts";

/**
 * The experiment with values replaced, or set where there were none.
 *
 * @param settings `path=value` each, such as `sampler.steps=50`; a value is JSON, and a string may go without quotes.
 * @throws {RangeError} If a setting is no `path=value`, or the experiment with it is impossible.
 */
export const withSettings = (
  experiment: unknown,
  settings: readonly string[],
): Experiment => checkExperiment(settings.reduce(withSetting, experiment));

function withSetting(experiment: unknown, setting: string): unknown {
  const [path, ...rest] = setting.split("=");
  if (path === "" || rest.length === 0) {
    throw new RangeError(
      `Cannot set ${
        JSON.stringify(setting)
      }: expected path=value, as in sampler.steps=50`,
    );
  }
  return replaced(experiment, path.split("."), parsed(rest.join("=")));
}

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
  const record = typeof found === "object" && !Array.isArray(found)
    ? found as Record<string, unknown> | null
    : null;
  const inner = record && Object.hasOwn(record, key) ? record[key] : undefined;
  return { ...record, [key]: replaced(inner, rest, value) };
}
