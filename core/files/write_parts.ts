/** Large files, written part by part: only one part is in memory. */

/**
 * Writes beside `path` under a temporary name, then renames.
 *
 * @throws {Error} If it cannot be written, naming the path. What was at `path` is kept.
 */
export async function writeParts(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await appendAll(temporary, parts);
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {}); // it may not exist yet
    throw new Error(`Cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function appendAll(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for await (const part of parts) await writeAll(file, part);
}

/** Writes all of `bytes`, which one call of the system may not. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}
