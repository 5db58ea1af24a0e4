/**
 * Claims: a locked file keeps two processes from making one thing. The lock ends
 * with its process, even a killed one. Machines that do not see each other's locks
 * may both make the thing, and write the same value.
 */
import { isMissing, statOf } from "@dip-go/core/files";

/** Takes the claim at `path` once no other process holds it; disposing gives it back. The folder must exist. */
export async function claim(path: string): Promise<AsyncDisposable> {
  while (true) {
    const file = await Deno.open(path, { write: true, create: true })
      .catch((error) =>
        Deno.open(path).catch(() => { // another user's is locked by a reader too
          throw error;
        })
      );
    await file.lock(true);
    const { ino } = await file.stat();
    if ((await statOf(path))?.ino === ino) {
      return {
        async [Symbol.asyncDispose]() {
          await Deno.remove(path).catch(() => {}); // another user's stays
          file.close();
        },
      };
    }
    file.close(); // its holder removed the file while this process waited
  }
}

/** Whether a process holds the claim at `path`. */
export async function isClaimed(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    return !await file.tryLock();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
