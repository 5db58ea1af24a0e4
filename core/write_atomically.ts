/** Files that are whole or absent, also when the process is killed. */

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
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeFile(temporary, bytes);
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {}); // it may not exist yet
    throw new Error(`Cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
