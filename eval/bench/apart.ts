/** Measurements in a process of their own, because a process's peak of memory never falls. */
import process from "node:process";

/** The highest number of resident bytes of this process so far; `maxRSS` is in units of 1024. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * Makes a module's measurement run in a process of its own: started as a program
 * with the arguments as JSON, the module prints the figures as JSON; imported, it
 * has a function that starts it.
 *
 * @param module The module's `import.meta`. A bundle's is the script's, so no bundle may hold such a module.
 * @param measure Measures the figures.
 * @returns A function that measures in a fresh process; it throws an `Error` if the process fails.
 */
export async function apart<Args extends (string | number)[], Figures>(
  module: Pick<ImportMeta, "url" | "main">,
  measure: (...args: Args) => Promise<Figures>,
): Promise<(...args: Args) => Promise<Figures>> {
  if (module.main) {
    const figures = await measure(...JSON.parse(Deno.args[0]) as Args);
    console.log(JSON.stringify(figures));
  }
  const permissions = ["--allow-ffi", "--allow-read", "--allow-write"];
  return async (...args) => {
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      { args: ["run", ...permissions, module.url, JSON.stringify(args)] },
    ).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (success) return JSON.parse(text(stdout));
    const error = text(stderr).trim();
    throw new Error(`Cannot measure ${args.join(" ")} apart: ${error}`);
  };
}
