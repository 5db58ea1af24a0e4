/** Lists of prompts: text files, one prompt a line. */

/** What searches work on, and what is evaluated. */
export interface PromptLists {
  readonly search: readonly string[];
  readonly evaluation: readonly string[];
}

/**
 * The prompts of a text file; lines without text are left out.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {RangeError} If it holds no prompt.
 */
export async function readPrompts(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path).catch((cause) => {
    throw new Deno.errors.NotFound(
      `Cannot read prompts ${path}: ${(cause as Error).message}`,
      { cause },
    );
  });
  const prompts = text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
  if (prompts.length > 0) return prompts;
  throw new RangeError(
    `Cannot read prompts ${path}: it is empty, expected one prompt a line`,
  );
}
