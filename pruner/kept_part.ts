/** Parts of searches as files, for later searches; a file's name is a hash of all that its part reads. */
import { createHash } from "node:crypto";
import {
  checkSealed,
  isMissing,
  readJson,
  writeSealedJson,
} from "@dip-go/core/files";
import type { SearchPlace } from "./method.ts";

/**
 * Returns the value that an earlier search kept in the folder, or makes it; damaged files are made anew.
 *
 * @param reads Everything that the value depends on.
 */
export async function keptPart<Value>(
  folder: string,
  reads: unknown,
  make: (place: SearchPlace) => Promise<Value>,
): Promise<Value> {
  const key = createHash("sha256").update(JSON.stringify(reads)).digest("hex");
  const path = `${folder}/${key}.json`;
  try {
    await checkSealed(path);
    return (await readJson(path) as { value: Value }).value;
  } catch (error) {
    if (!isMissing(error) && !(error instanceof TypeError)) throw error;
  }
  await Deno.mkdir(folder, { recursive: true });
  const value = await make({ checkpoint: `${folder}/${key}.safetensors` });
  await Deno.mkdir(folder, { recursive: true }); // another run's end may have removed it
  await writeSealedJson(path, { value });
  return value;
}
