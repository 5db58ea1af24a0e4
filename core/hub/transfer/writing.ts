/** Writing into the cache, with errors that say what to do. */
import { HubError } from "./request.ts";

/** Matches the system's message of a full disk, or a full quota. */
const full = /No space left|quota exceeded/i;

/**
 * Runs a task that writes.
 *
 * @param path The written path, for the error.
 * @param size The number of bytes that the task needs.
 * @throws {HubError} If the task fails, as on a full disk; the error says what to do.
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
