/** Scheduler configs from files and parsed JSON, each key checked. */
import { readPythonJson } from "../../files/read_json.ts";
import { SchedulerConfig } from "./scheduler_config.ts";
import { schedulerKeys } from "./scheduler_keys.ts";

/**
 * Reads a `scheduler_config.json`.
 *
 * @throws As {@linkcode readPythonJson} and {@linkcode parseSchedulerConfig}.
 */
export async function readSchedulerConfig(
  path: string,
): Promise<SchedulerConfig> {
  return parseSchedulerConfig(await readPythonJson(path), path);
}

/**
 * The config held in parsed JSON.
 *
 * @param json The object of a `scheduler_config.json`.
 * @param source Its name in errors, such as its path.
 * @throws {TypeError | RangeError} If it is no object, has a key that no scheduler knows, or a known key holds what it cannot.
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
