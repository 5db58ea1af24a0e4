/** Measurements in a process of their own, because a process's peak of memory never falls. */
import process from "node:process";

/** The highest number of resident bytes of this process so far; `maxRSS` is in units of 1024. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * Makes a module's measurement run in a process of its own: started as a program,
 * the module prints the figures as JSON; imported, it has a function that starts it.
 *
 * @param module The module's `import.meta`. A bundle's is the script's, so no bundle may hold such a module.
 * @param measure Measures the figures for the program's arguments.
 * @returns A function that measures in a fresh process; it throws an `Error` if the process fails.
 */
export async function apart<Figures>(
  module: Pick<ImportMeta, "url" | "main">,
  measure: (...args: string[]) => Promise<Figures>,
): Promise<(...args: (string | number)[]) => Promise<Figures>> {
  if (module.main) console.log(JSON.stringify(await measure(...Deno.args)));
  const permissions = ["--allow-ffi", "--allow-read", "--allow-write"];
  return async (...args) => {
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: ["run", ...permissions, module.url, ...args.map(String)],
      },
    ).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (success) return JSON.parse(text(stdout));
    const error = text(stderr).trim();
    throw new Error(`Cannot measure ${args.join(" ")} apart: ${error}`);
  };
}
