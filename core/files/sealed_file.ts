/**
 * Files that hold the SHA-256 of their own content, so that any byte that is
 * flipped later is noticed. The hash is the value of a key "sha256" near the
 * file's start, and is computed with zeros in its own place.
 */
import { createHash } from "node:crypto";

/** The placeholder for the hash until the file is sealed. */
export const unsealed = "0".repeat(64);

const mark = '"sha256":"';

/** The number of bytes at the file's start that contain the hash. */
const headLength = 256;

/** Writes the hash of a file into its place. @throws {TypeError} If the file has no place for it. */
export async function seal(path: string): Promise<void> {
  const { at, hash } = await hashOf(path);
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(hash));
}

/** @throws {TypeError} If the file's content does not have the hash that the file holds, or it holds none. */
export async function checkSealed(path: string): Promise<void> {
  const { found, hash } = await hashOf(path);
  if (found === hash) return;
  throw new TypeError(
    `Cannot read ${path}: its content has the SHA-256 ${hash}, expected ${found}`,
  );
}

/** The hash of a file's content, the hash that the file holds, and the offset of the latter. */
async function hashOf(path: string) {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(headLength);
  const head = bytes.subarray(0, await file.read(bytes) ?? 0);
  const text = String.fromCharCode(...head);
  const at = text.indexOf(mark) + mark.length;
  const found = text.slice(at, at + unsealed.length);
  if (at < mark.length || found.length < unsealed.length) {
    throw new TypeError(
      `Cannot read ${path}: found no hash in it, expected the key "sha256"`,
    );
  }
  head.fill("0".charCodeAt(0), at, at + unsealed.length);
  const hash = createHash("sha256").update(head);
  const part = new Uint8Array(1 << 20);
  for (let n; (n = await file.read(part)) !== null;) {
    hash.update(part.subarray(0, n));
  }
  return { at, found, hash: hash.digest("hex") };
}
