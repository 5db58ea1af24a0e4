/** Writes files that are whole or absent, even if the process is killed; only a part at a time is in memory. */
import { dirname, resolve } from "node:path";
import { seal, unsealed } from "./sealed_file.ts";

/** Writes a text or bytes as one part. @throws As {@linkcode writeParts}. */
export const writeAtomically = (
  path: string,
  content: string | Uint8Array,
): Promise<void> =>
  writeParts(path, [
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  ]);

/** Writes an object as JSON that holds its own hash, for `checkSealed`. @throws As {@linkcode writeParts}. */
export function writeSealedJson(
  path: string,
  value: Readonly<Record<string, unknown>>,
): Promise<void> {
  const text = JSON.stringify({ sha256: unsealed, ...value }) + "\n";
  return writeParts(path, [new TextEncoder().encode(text)], { sealed: true });
}

/**
 * Writes a temporary file beside `path`, then renames it. If `path` is a link, the
 * link stays, and the file that it leads to is written.
 *
 * @param options.sealed Whether the file gets its own hash; the first part then has the placeholder.
 * @throws {Error} If writing fails (no such folder, a full disk); it names the path, and an old file there stays.
 */
export async function writeParts(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { sealed = false }: { sealed?: boolean } = {},
): Promise<void> {
  const target = await targetOf(path);
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  try {
    await appendAll(temporary, parts);
    if (sealed) await seal(temporary);
    await Deno.rename(temporary, target);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {}); // it may not exist yet
    throw new Error(`Cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The most links one after another, as operating systems follow them. */
const mostLinks = 40;

/** The file that a path's links lead to, existing or not. @throws {Error} If links lead in a circle. */
async function targetOf(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < mostLinks; links++) {
    const next = await Deno.readLink(target).catch(() => null); // no link
    if (next === null) return target;
    target = resolve(dirname(target), next);
  }
  throw new Error(`Cannot write ${path}: its links lead in a circle`);
}

async function appendAll(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for await (const part of parts) await writeAll(file, part);
}

/** Writes all of `bytes`; one system call may write only some of them. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}
