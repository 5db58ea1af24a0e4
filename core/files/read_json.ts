/** JSON files, parsed. */

/** A parsed JSON file. @throws {TypeError} If the file is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  return parsed(await Deno.readTextFile(path), path);
}

/** The same of a file by Python, which writes bare `-Infinity`, `Infinity` and `NaN`: they are read as strings. @throws As {@linkcode readJson}. */
export async function readPythonJson(path: string): Promise<unknown> {
  const text = await Deno.readTextFile(path);
  const quoted = text.replace(
    /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g,
    (token) => token.startsWith('"') ? token : `"${token}"`,
  );
  return parsed(quoted, path);
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`Cannot read ${path}: not JSON`, { cause });
  }
}
