/** What the commands share: results that a test can read, and errors of one line. */

/** How a command ended. */
export interface CommandResult {
  /** Lines for the standard output. */
  readonly lines: readonly string[];
  /** One line for the standard error, "error: ...". */
  readonly error?: string;
  readonly exitCode: 0 | 1;
}

/** Runs a command; what it throws becomes its error line and exit code 1. */
export async function resultOf(
  command: () => Promise<CommandResult>,
): Promise<CommandResult> {
  try {
    return await command();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const error = `error: ${message.replaceAll(/\s*\n\s*/g, " ")}`;
    return { lines: [], error, exitCode: 1 };
  }
}

/** Prints a result and sets the process's exit code. */
export function finish({ lines, error, exitCode }: CommandResult) {
  if (lines.length > 0) console.log(lines.join("\n"));
  if (error) console.error(error);
  Deno.exitCode = exitCode;
}
