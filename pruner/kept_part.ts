/** A part of a search that outlives it: a file, known by everything that the part was made of. */
import { createHash } from "node:crypto";
import { writeAtomically } from "@dip-go/core/files";
import type { SearchPlace } from "./method.ts";

/**
 * The value of `make`, or the one that an earlier search kept in the folder; a file that is damaged is made again.
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
    return JSON.parse(await Deno.readTextFile(path)).value;
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    if (!isMissing && !(error instanceof SyntaxError)) throw error;
  }
  await Deno.mkdir(folder, { recursive: true });
  const value = await make({ checkpoint: `${folder}/${key}.safetensors` });
  await writeAtomically(path, JSON.stringify({ value }));
  return value;
}
