/** A path's file information, or null if nothing is there, as below a file. @throws As `Deno.stat`, for any other error. */
export async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (error instanceof NotFound || error instanceof NotADirectory) {
      return null;
    }
    throw error;
  }
}

/** Whether there is a file at `path`. @throws As {@linkcode statOf}. */
export const isFile = async (path: string): Promise<boolean> =>
  (await statOf(path))?.isFile ?? false;

/** The entries of a folder, none if there is no folder. @throws As `Deno.readDir`, for any other error. */
export async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  return await statOf(folder) === null
    ? []
    : await Array.fromAsync(Deno.readDir(folder));
}
