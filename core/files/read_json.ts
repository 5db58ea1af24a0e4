/** A parsed JSON file. @throws {TypeError} If the file is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await Deno.readTextFile(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`Cannot read ${path}: not JSON`, { cause });
  }
}
