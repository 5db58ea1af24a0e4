/** A file of prompts as experiments name it: a path, or a file of a data set on the hub. */
import { isFile } from "../files/is_file.ts";
import { type ModelName, parseModelName } from "./model_name.ts";
import { type HubSettings, hubSettings } from "./settings.ts";
import { snapshotFile } from "./snapshot.ts";

/** Parses `owner/name:path` or `owner/name@revision:path`; returns null for any other text. */
export function parseDataSetFile(
  text: string,
): { readonly name: ModelName; readonly path: string } | null {
  const colon = text.indexOf(":");
  if (colon === -1) return null;
  const path = text.slice(colon + 1);
  const name = parseModelName(text.slice(0, colon));
  const inside = path.split("/").every((part) =>
    !["", ".", ".."].includes(part)
  );
  return name && inside ? { name, path } : null;
}

/**
 * The path of a file of prompts. An existing path is returned unchanged;
 * `owner/name:path` and `owner/name@revision:path` are files of data sets on
 * the hub, downloaded once; any other text is returned.
 *
 * @throws {HubError} If the hub refuses, or the data set has no such file.
 */
export async function promptFile(
  text: string,
  settings: () => HubSettings = hubSettings,
): Promise<string> {
  if (await isFile(text)) return text;
  const found = parseDataSetFile(text);
  if (!found) return text;
  return await snapshotFile(found, "datasets", settings());
}
