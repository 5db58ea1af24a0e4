/** Whether an error says that nothing is at a path, as below a file. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Deno.errors.NotFound ||
  error instanceof Deno.errors.NotADirectory;

/** A path's file information, or null if nothing is there, as below a file. @throws As `Deno.stat`, for any other error. */
export async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Removes a file, if it is there. @throws As `Deno.remove`, for any other error. */
export const removeIfThere = (path: string): Promise<void> =>
  Deno.remove(path).catch((error) => {
    if (!isMissing(error)) throw error;
  });

/** Whether there is a file at `path`. @throws As {@linkcode statOf}. */
export const isFile = async (path: string): Promise<boolean> =>
  (await statOf(path))?.isFile ?? false;

/** The entries of a folder, none if there is no folder. @throws As `Deno.readDir`, for any other error. */
export async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  return await statOf(folder) === null
    ? []
    : await Array.fromAsync(Deno.readDir(folder));
}
