/** Reads JSON files. */

/** A parsed JSON file. @throws {TypeError} If the file is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  return parsed(await Deno.readTextFile(path), path);
}

/** As {@linkcode readJson}, of a file by Python: bare `Infinity`, `-Infinity` and `NaN` become strings. */
export async function readPythonJson(path: string): Promise<unknown> {
  const text = await Deno.readTextFile(path);
  const quoted = text.replace(
    /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g,
    (token) => token.startsWith('"') ? token : `"${token}"`,
  );
  return parsed(quoted, path);
}

/** Whether a parsed JSON value is an object, and no list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, "")); // a byte order mark
  } catch (cause) {
    const why = (cause as Error).message.replaceAll(/\s+/g, " ");
    throw new TypeError(`Cannot read ${path}: not JSON: ${why}`, { cause });
  }
}
