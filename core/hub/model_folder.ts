/** A model as commands take it: a folder, or a name on the hub. */
import { parseModelName } from "./model_name.ts";
import { hubSettings } from "./settings.ts";
import { snapshot } from "./snapshot.ts";

/**
 * The folder of a model. What is there is a folder; of the rest,
 * `owner/name` and `owner/name@revision` are downloaded.
 *
 * @throws {HubError} If it is a name that the hub does not give.
 */
export async function modelFolder(text: string): Promise<string> {
  if (await exists(text)) return text;
  const name = parseModelName(text);
  return name ? await snapshot(name, hubSettings()) : text;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
