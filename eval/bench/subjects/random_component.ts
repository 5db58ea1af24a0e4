/** Parts of full-size models with random weights, in files: written once, mapped by every session that runs them. */
import { isFile, writeAtomically } from "@dip-go/core/files";
import {
  type ComponentKind,
  randomWeights,
  writeComponent,
} from "@dip-go/core/models";

type Json = Readonly<Record<string, unknown>>;

/**
 * Writes a part's `config.json` and random weights, unless its weights are there.
 *
 * @throws {TypeError} If the configuration is not one of its kind.
 */
export async function ensureComponent<Config>(
  folder: string,
  json: Json,
  kind: ComponentKind<Config>,
): Promise<void> {
  if (await isFile(`${folder}/${kind.weightFile}`)) return;
  console.error(`writing random weights to ${folder}`);
  await writeComponent(folder, json, { kind, source: randomWeights(0) });
}

/** Writes a folder's small JSON files, by their paths in it. */
export async function writeJsonFiles(
  folder: string,
  files: Readonly<Record<string, Json>>,
): Promise<void> {
  for (const [path, json] of Object.entries(files)) {
    const file = `${folder}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await writeAtomically(file, JSON.stringify(json));
  }
}
