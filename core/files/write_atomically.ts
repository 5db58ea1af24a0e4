/** Files that are whole or absent, also when the process is killed. */
import { writeParts } from "./write_parts.ts";

/**
 * Writes beside `path` under a temporary name, then renames.
 *
 * @throws {Error} If it cannot be written, naming the path: no such folder, a full disk. What was at `path` is kept.
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  await writeParts(path, [bytes]);
}
