/** Measuring in a process of its own, because a process's peak of memory never falls. */
import process from "node:process";

/** Resident bytes of this process, the highest so far; `maxRSS` is in units of 1024. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * The JSON that a program prints.
 *
 * @param module Its address, `import.meta.url`.
 * @param options.what The measurement's name, for the error.
 * @throws {Error} If the process fails.
 */
export async function measuredApart<T>(
  module: string,
  { what, args }: { what: string; args: readonly string[] },
): Promise<T> {
  const permissions = ["--allow-ffi", "--allow-read", "--allow-write"];
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", ...permissions, module, ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return JSON.parse(text(stdout));
  throw new Error(`Cannot measure ${what}: ${text(stderr).trim()}`);
}
