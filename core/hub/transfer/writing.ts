/** Writing into the cache, with errors that say what to do. */
import { HubError } from "./request.ts";

/** How the system says that a disk, or one's share of it, is full. */
const full = /No space left|quota exceeded/i;

/**
 * The result of a task that writes.
 *
 * @param path What it writes, for the error.
 * @param size Bytes that it needs.
 * @throws {HubError} If the disk is full or may not be written.
 */
export async function writing<T>(
  path: string,
  size: number,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    const { message } = cause as Error;
    const advice = full.test(message)
      ? `free ${
        (size / 1e6).toFixed(1)
      } MB, or set HF_HUB_CACHE to a folder on another disk`
      : "set HF_HUB_CACHE to a folder that you may write, or HF_HUB_OFFLINE=1 to use what is there";
    throw new HubError(`Cannot write ${path}: ${message}; ${advice}`, {
      cause,
    });
  }
}
