/** JSON without duplicate keys: `JSON.parse` keeps the last of two equal keys and says nothing. */

/**
 * Parses JSON in UTF-8.
 *
 * @param what The beginning of the error, as in "Cannot open a.json: it".
 * @throws {TypeError} If the bytes are no JSON, or an object holds a key twice.
 */
export function parseStrictJson(bytes: Uint8Array, what: string): unknown {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`${what} is not JSON in UTF-8`, { cause });
  }
  const duplicate = duplicateKey(text);
  if (duplicate === undefined) return json;
  throw new TypeError(`${what} has "${duplicate}" twice, expected once`);
}

/** The first key that an object of `json` holds twice, at any depth, or undefined. */
function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = []; // keys seen in each enclosing object or array
  let literal = "";
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '"') {
      const end = endOfString(json, i);
      literal = json.slice(i, end);
      i = end - 1;
    } else if (character === "{" || character === "[") {
      open.push(new Set());
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === ":") { // the literal before it is a key
      const key: string = JSON.parse(literal);
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** The index just past the closing quote of the string that begins at `begin`. */
function endOfString(json: string, begin: number): number {
  let i = begin + 1;
  while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i + 1;
}
