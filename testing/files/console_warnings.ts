/** What a test makes the console warn of. */

/** The lines that `body` warns of; none of them is shown. */
export async function consoleWarnings(
  body: () => Promise<unknown>,
): Promise<string[]> {
  const lines: string[] = [];
  const { warn } = console;
  console.warn = (line: string) => lines.push(line);
  try {
    await body();
  } finally {
    console.warn = warn;
  }
  return lines;
}
