/** Lists of prompts: one prompt a line, or the formats of the data sets that papers evaluate on. */

/** The prompts of searches, and the prompts of the evaluation. */
export interface PromptLists {
  readonly search: readonly string[];
  readonly evaluation: readonly string[];
}

/**
 * Reads the prompts of a file, in the format that its name's ending tells:
 *
 * - `.json`: COCO's captions (`annotations` of `image_id` and `caption`), the first
 *   caption of each image in the file's order, images by ascending id; or a part of
 *   DiffusionDB (`{"<picture>": {"p": …}}`), or a list of texts, in the file's order;
 * - `.tsv`: the column `Prompt`, as PartiPrompts has it;
 * - `.csv`, `.jsonl` and `.parquet` are refused;
 * - else one prompt a line; lines without text are left out.
 *
 * Texts are UTF-8, or UTF-16 after a byte order mark, as Windows writes them.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the content is not what the file's name says, or is no text.
 * @throws {RangeError} If the file holds no prompt.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readPrompts } from "@dip-go/core";
 *
 * const prompts = await readPrompts("zoo/prompts/scenes-search.txt");
 * assertEquals(prompts[0], "a magenta triangle in the middle");
 * ```
 */
export async function readPrompts(path: string): Promise<string[]> {
  const bytes = await Deno.readFile(path).catch((cause) => {
    throw new Deno.errors.NotFound(
      `Cannot read prompts ${path}: ${(cause as Error).message}`,
      { cause },
    );
  });
  const prompts = listed(decoded(bytes, path), path).map((prompt) =>
    prompt.trim()
  )
    .filter((prompt) => prompt !== "");
  if (prompts.length > 0) return prompts;
  throw new RangeError(
    `Cannot read prompts ${path}: it is empty, expected one prompt a line`,
  );
}

/** Decodes a file's text, without the byte order mark. */
function decoded(bytes: Uint8Array, path: string): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe
    ? "utf-16le"
    : first === 0xfe && second === 0xff
    ? "utf-16be"
    : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return refuse(path, `it is no ${encoding}`, "a text saved as UTF-8");
  }
  if (!text.includes("\0")) return text;
  return refuse(path, "it holds characters of value 0", "a text as UTF-8");
}

function listed(text: string, path: string): readonly string[] {
  if (/\.json$/i.test(path)) return fromJson(parsed(text, path), path);
  if (/\.tsv$/i.test(path)) return fromTable(text, path);
  if (/\.(csv|jsonl|parquet)$/i.test(path)) {
    refuse(path, "such files are not read", ".txt, .tsv or .json");
  }
  return text.split("\n");
}

function refuse(path: string, found: string, expected: string): never {
  throw new TypeError(
    `Cannot read prompts ${path}: ${found}, expected ${expected}`,
  );
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`Cannot read prompts ${path}: it is not JSON`, {
      cause,
    });
  }
}

/** Matches a cell in quotes, which are doubled inside and close at the cell's end; else any cell. */
const cell = /"((?:[^"\t]|"")*)"(?=[\t\r\n]|$)|[^\t\r\n]*/y;

/** Splits a table into rows; a cell that only begins with a quoted word keeps its quotes. */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let at = 0; at <= text.length;) {
    cell.lastIndex = at;
    const [raw, quoted] = cell.exec(text)!;
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? raw);
    at += raw.length;
    if (text[at] !== "\t") rows.push([]);
    at += text.startsWith("\r\n", at) ? 2 : 1;
  }
  return rows.slice(0, -1);
}

/** The `Prompt` of each row. */
function fromTable(text: string, path: string): string[] {
  const [columns, ...rows] = rowsOf(text);
  const at = columns.indexOf("Prompt");
  if (at === -1) {
    refuse(path, `its columns are ${columns.join(", ")}`, "one called Prompt");
  }
  return rows.map((row) => row[at] ?? "");
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === "string";

function fromJson(json: unknown, path: string): string[] {
  if (Array.isArray(json) && json.every(isText)) return json;
  if (isRecord(json) && Array.isArray(json.annotations)) {
    return firstCaptions(json.annotations, path);
  }
  const entries = isRecord(json) ? Object.values(json) : [];
  const prompts = entries.map((entry) => isRecord(entry) ? entry.p : undefined);
  if (prompts.length > 0 && prompts.every(isText)) return prompts;
  refuse(
    path,
    "it is none of these",
    "COCO's captions, a part of DiffusionDB or a list of texts",
  );
}

/** The first caption of each image, images by ascending id. */
function firstCaptions(
  annotations: readonly unknown[],
  path: string,
): string[] {
  const captions = new Map<number, string>();
  for (const [i, annotation] of annotations.entries()) {
    const { image_id, caption } = isRecord(annotation) ? annotation : {};
    if (typeof image_id !== "number" || !isText(caption)) {
      refuse(path, `annotations[${i}] has no image_id or no caption`, "both");
    }
    if (!captions.has(image_id)) captions.set(image_id, caption);
  }
  return [...captions].sort(([a], [b]) => a - b).map(([, caption]) => caption);
}
