/** Checks that a command can write its output, before its work begins. */

/**
 * Makes a folder, and tries it with a file that is removed again.
 *
 * @param output The name of the output, for errors.
 * @throws {Error} If the folder cannot be made or written.
 */
export async function checkFolder(
  folder: string,
  output: string,
): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    const probe = await Deno.makeTempFile({ dir: folder, suffix: ".tmp" });
    await Deno.remove(probe);
  } catch (cause) {
    throw new Error(`Cannot write ${output}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Checks the path of a file to write. @throws {TypeError} If it is a folder. */
export async function checkNoFolder(file: string): Promise<void> {
  const found = await Deno.stat(file).catch(() => undefined);
  if (!found?.isDirectory) return;
  throw new TypeError(
    `Cannot write ${file}: it is a folder, expected a file`,
  );
}
