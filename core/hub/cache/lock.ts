/**
 * A lock of the system on a file, held by one process at a time; Python's
 * `huggingface_hub` takes the same. It ends with its owner, however that ends.
 */
import { statOf } from "../../files/is_file.ts";

/**
 * Runs a task while no other process, nor another task of this one, holds the
 * lock. A file system without locks runs it at once.
 *
 * @param path The file to lock; its folder exists.
 * @param waiting Called if another owner holds the lock.
 */
export async function withLock<T>(
  path: string,
  task: () => Promise<T>,
  waiting?: () => void,
): Promise<T> {
  for (;;) {
    using file = await Deno.open(path, {
      write: true,
      create: true,
      mode: 0o664, // others may share the cache
    });
    await lock(file, waiting);
    const [own, present] = [await file.stat(), await statOf(path)];
    if (own.ino === present?.ino) return await task();
    // The last owner removed the file: a lock on a file without a name keeps nobody out.
  }
}

async function lock(file: Deno.FsFile, waiting?: () => void): Promise<void> {
  try {
    if (await file.tryLock(true)) return;
    waiting?.();
    await file.lock(true);
  } catch {
    // Some network file systems have no locks: a download is checked by its hash in any case.
  }
}
