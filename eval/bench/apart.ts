/** Measurements in a process of their own, because a process's peak of memory never falls. */
import process from "node:process";

/** The highest number of resident bytes of this process so far; `maxRSS` is in units of 1024. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * Makes a module's measurement run in a process of its own: started as a program,
 * the module prints the figures as JSON; imported, it gets a function that starts it.
 *
 * @param module Its `import.meta`; in a bundle that is the script's, so none may hold such a module.
 * @param measure The measurement, of the program's arguments.
 * @returns The measurement in a fresh process; it throws an `Error` if that fails.
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
