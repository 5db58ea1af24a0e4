/** For tests: catches warnings on the console. */

/** Returns the lines that `body` passes to `console.warn`, which are not shown. */
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
