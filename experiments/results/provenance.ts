/** The origin of a run's numbers: commit, machine, day and command. */
import { cpus } from "node:os";

/** The origin of a run, as `results.json` has it. */
export interface Provenance {
  /** The repository's commit; absent if there is no git, or no permission to run it. */
  readonly commit?: string;
  readonly hardware: string;
  readonly date: string;
  readonly command: string;
}

/**
 * The provenance of a run that starts now.
 *
 * @param command The command as a person would type it.
 *
 * @example
 * ```ts
 * import { provenanceOf } from "@dip-go/experiments";
 * import { assertMatch } from "@std/assert";
 *
 * const { hardware } = await provenanceOf("deno task experiment quickstart");
 * assertMatch(hardware, /, \d+ cores$/);
 * ```
 */
export async function provenanceOf(command: string): Promise<Provenance> {
  const cores = cpus();
  const commit = await currentCommit();
  return {
    ...commit ? { commit } : {},
    hardware: `${cores[0].model}, ${cores.length} cores`,
    date: new Date().toISOString().slice(0, 10),
    command,
  };
}

/** The commit of the working folder, "-dirty" with local changes. */
async function currentCommit(): Promise<string | undefined> {
  try {
    const args = ["describe", "--always", "--dirty", "--abbrev=12"];
    const { success, stdout } = await new Deno.Command("git", { args })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable;
    if (absent) return undefined;
    throw error;
  }
}
