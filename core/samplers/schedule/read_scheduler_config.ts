/** Scheduler configs from files and parsed JSON, each key checked. */
import { readPythonJson } from "../../files/read_json.ts";
import { SchedulerConfig } from "./scheduler_config.ts";
import { schedulerKeys } from "./scheduler_keys.ts";

/** Reads a `scheduler_config.json`. @throws As {@linkcode readPythonJson} and {@linkcode parseSchedulerConfig}. */
export async function readSchedulerConfig(
  path: string,
): Promise<SchedulerConfig> {
  return parseSchedulerConfig(await readPythonJson(path), path);
}

/**
 * Makes a config of parsed JSON.
 *
 * @param json The object of a `scheduler_config.json`.
 * @param source The config's name in errors, such as its path.
 * @throws {TypeError | RangeError} If the JSON is no object, has a key that no scheduler knows, or an invalid value of a known key.
 */
export function parseSchedulerConfig(
  json: unknown,
  source: string,
): SchedulerConfig {
  const config = new SchedulerConfig(json, source);
  for (const key of Object.keys(config.values)) {
    if (Object.hasOwn(schedulerKeys, key)) schedulerKeys[key](config, key);
  }
  config.finish();
  return config;
}
