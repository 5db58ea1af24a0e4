/** Where a command writes, made and tried before its work begins. */

/**
 * Makes a folder, and a file in it that is removed again.
 *
 * @param output What is written there, for errors.
 * @throws {Error} If nothing can be written there.
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

/** @throws {TypeError} If a folder is where a file is to be written. */
export async function checkNoFolder(file: string): Promise<void> {
  const found = await Deno.stat(file).catch(() => undefined);
  if (!found?.isDirectory) return;
  throw new TypeError(
    `Cannot write ${file}: it is a folder, expected a file`,
  );
}
