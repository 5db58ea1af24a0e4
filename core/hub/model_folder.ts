/** A model as commands take it: a folder, or a name on the hub. */
import { statOf } from "../files/is_file.ts";
import { parseModelName } from "./model_name.ts";
import { type Arrival, hubSettings } from "./settings.ts";
import { snapshot } from "./snapshot.ts";

/**
 * The folder of a model. What is there is a folder; of the rest,
 * `owner/name` and `owner/name@revision` are downloaded; how far that is shows
 * on a terminal.
 *
 * @throws {HubError} If it is a name that the hub does not give.
 */
export async function modelFolder(text: string): Promise<string> {
  if (await statOf(text)) return text;
  const name = parseModelName(text);
  if (!name) return text;
  const observe = Deno.stderr.isTerminal() ? showArrival : undefined;
  return await snapshot(name, { ...hubSettings(), observe });
}

function showArrival({ path, done, size }: Arrival): void {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const line = `\r${path}: ${megabytes(done)} of ${megabytes(size)} MB${
    done === size ? "\n" : ""
  }`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
