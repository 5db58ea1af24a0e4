/** `JSON.parse` keeps the last of two equal keys and says nothing; this finds them. */

/**
 * The first key that an object of `json` holds twice, at any depth.
 *
 * @param json Text that `JSON.parse` accepts.
 * @returns The key, or undefined if there is none.
 */
export function duplicateKey(json: string): string | undefined {
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
    } else if (character === ":") { // what stood before it was a key
      const key: string = JSON.parse(literal);
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** Just past the closing quote of the string that begins at `begin`. */
function endOfString(json: string, begin: number): number {
  let i = begin + 1;
  while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i + 1;
}
