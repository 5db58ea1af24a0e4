/** A model as commands name it: a folder, a file, or a name on the hub. */
import { statOf } from "../files/is_file.ts";
import { parseModelFile, parseModelName } from "./model_name.ts";
import { type Arrival, hubSettings } from "./settings.ts";
import { snapshot, snapshotFile } from "./snapshot.ts";

/**
 * The folder of a model, or its single file. An existing path is returned
 * unchanged; `owner/name`, `owner/name@revision` and
 * `owner/name/file.safetensors` are downloaded, with the progress on a
 * terminal; any other text is returned.
 *
 * @throws {HubError} If the text is a name that the hub does not give.
 */
export async function modelFolder(text: string): Promise<string> {
  if (await statOf(text)) return text;
  const [file, name] = [parseModelFile(text), parseModelName(text)];
  if (!file && !name) return text;
  const settings = {
    ...hubSettings(),
    observe: Deno.stderr.isTerminal() ? showArrival : undefined,
    say: console.error,
  };
  return file
    ? await snapshotFile(file, "models", settings)
    : await snapshot(name!, settings);
}

function showArrival({ path, done, size }: Arrival): void {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const line = `\r${path}: ${megabytes(done)} of ${megabytes(size)} MB${
    done === size ? "\n" : ""
  }`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
