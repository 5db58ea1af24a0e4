/** The frame of all commands: a result that a test can read, with an error of one line. */
import {
  type CommandForm,
  helpOf,
  type OptionTable,
  type OptionValues,
  readOptions,
} from "./option_table.ts";

/** How a command ended. */
export interface CommandResult {
  /** Lines for the standard output. */
  readonly lines: readonly string[];
  /** One line for the standard error, "error: ...". */
  readonly error?: string;
  readonly exitCode: 0 | 1;
}

/** The message of an error; that of Deno's file errors, "… (os error 2): readfile 'x'", as "Cannot open x: …". */
export function messageOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const ofFile = / \(os error \d+\)(?:: (\w+)(?: '(.*)')?)?$/.exec(message);
  if (!ofFile) return message;
  const why = message.slice(0, ofFile.index);
  const [, how, path] = ofFile;
  if (path === undefined || why.includes(path)) return why;
  if (/^Cannot /.test(why)) return `${why}: ${path}`;
  return `Cannot ${how === "mkdir" ? "make" : "open"} ${path}: ${why}`;
}

/** Runs a command; an error that it throws becomes the error line, with exit code 1. */
export async function resultOf(
  command: () => Promise<CommandResult>,
): Promise<CommandResult> {
  try {
    return await command();
  } catch (thrown) {
    const error = `error: ${messageOf(thrown).replaceAll(/\s*\n\s*/g, " ")}`;
    return { lines: [], error, exitCode: 1 };
  }
}

/**
 * Makes a command of its form and of `run`, which returns lines to print or a whole result.
 *
 * @param run Takes the options' values, the words without an option, and all arguments as typed.
 */
export const command = <const Table extends OptionTable>(
  form: CommandForm<Table>,
  run: (
    values: OptionValues<Table>,
    words: readonly string[],
    args: readonly string[],
  ) => Promise<readonly string[] | CommandResult>,
) =>
(args: readonly string[]): Promise<CommandResult> =>
  resultOf(async () => {
    const read = readOptions(args, form);
    if (read === "help") return { lines: [helpOf(form)], exitCode: 0 };
    const ended = await run(read.values, read.words, args);
    return "lines" in ended ? ended : { lines: ended, exitCode: 0 };
  });

/** Prints a result and sets the process's exit code. */
export function finish({ lines, error, exitCode }: CommandResult) {
  if (lines.length > 0) console.log(lines.join("\n"));
  if (error) console.error(error);
  Deno.exitCode = exitCode;
}
