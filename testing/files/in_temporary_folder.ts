/** Temporary folders, for tests. */

/** Runs `body` in a folder of its own, which is removed afterwards. */
export async function inTemporaryFolder<T>(
  body: (folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
