/** One file over HTTP: resumed where a transfer broke, checked against size and hash. */
import { createHash, type Hash } from "node:crypto";
import { statOf } from "../files/is_file.ts";
import { writeAll } from "../files/write_atomically.ts";
import type { HubSettings } from "./settings.ts";

/** A file of the hub, with the size and hash that its bytes must have. */
export interface BlobInfo {
  /** Its path within the model. */
  readonly name: string;
  readonly size: number;
  /** Hash in hex: SHA-256 of the bytes, or the SHA-1 that git gives a blob. */
  readonly hash: string;
}

/** How often a broken transfer is taken up again. */
const retries = 4;

/**
 * Downloads to `path`, by way of `path.incomplete`, which stays for the next
 * try if the transfer breaks and goes if its bytes are wrong.
 *
 * @throws {Error} If the hub refuses, the transfer keeps breaking, or size or hash are not the expected.
 */
export async function download(
  url: string,
  path: string,
  info: BlobInfo,
  settings: HubSettings,
): Promise<void> {
  const partial = `${path}.incomplete`;
  for (let attempt = 0;; attempt++) {
    try {
      await transfer(url, partial, info, settings);
      break;
    } catch (cause) {
      if (cause instanceof HubError) throw cause;
      if (attempt === retries) {
        throw new HubError(
          `Cannot download ${url}: the transfer broke ${
            attempt + 1
          } times, run again to resume it`,
          { cause },
        );
      }
    }
  }
  await check(url, partial, info);
  await Deno.rename(partial, path);
}

/** An answer of the hub that asking again does not change. */
export class HubError extends Error {
  override name = "HubError";
}

/** Asks the hub. @throws {HubError} On a status that is no success, saying what to do. */
export async function ask(
  url: string,
  { token }: HubSettings,
  headers: Record<string, string> = {},
): Promise<Response> {
  // fetch drops the token where a redirect leaves the hub.
  const authorization: Record<string, string> = token
    ? { authorization: `Bearer ${token}` }
    : {};
  const response = await fetch(url, {
    headers: { ...headers, ...authorization },
  });
  if (response.ok) return response;
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`${url}: ${response.status}`);
  throw new HubError(
    `Cannot download ${url}: ${response.status}, ${advice(response.status)}`,
  );
}

function advice(status: number): string {
  if (status === 401) return "set HF_TOKEN to a valid token, or check the name";
  if (status === 403) return "accept the model's terms on its page first";
  if (status === 404) return "check the name and the revision";
  return "expected 200";
}

/** Appends the missing bytes of a file. */
async function transfer(
  url: string,
  partial: string,
  { name, size }: BlobInfo,
  settings: HubSettings,
): Promise<void> {
  const begin = await sizeOf(partial);
  if (begin >= size && begin > 0) return;
  const range: Record<string, string> = begin > 0
    ? { range: `bytes=${begin}-` }
    : {};
  const response = await ask(url, settings, range);
  const append = response.status === 206;
  using file = await Deno.open(partial, {
    write: true,
    create: true,
    append,
    truncate: !append,
  });
  let done = append ? begin : 0;
  for await (const chunk of response.body ?? []) {
    await writeAll(file, chunk);
    done += chunk.length;
    settings.observe?.({ path: name, done, size });
  }
  if (done < size) throw new Error(`${done} of ${size} bytes came`);
}

const sizeOf = async (path: string): Promise<number> =>
  (await statOf(path))?.size ?? 0;

/** Removes a file of another size or hash. */
async function check(
  url: string,
  path: string,
  { size, hash }: BlobInfo,
): Promise<void> {
  const found = await sizeOf(path);
  const digest = await hashOf(path, hashFor(hash, found));
  if (found === size && digest === hash) return;
  await Deno.remove(path);
  throw new HubError(
    `Cannot download ${url}: found ${found} bytes of hash ${digest}, expected ${size} of ${hash}; removed, run again`,
  );
}

/** The hash that a digest in hex is of. */
function hashFor(digest: string, size: number): Hash {
  if (digest.length === 64) return createHash("sha256");
  return createHash("sha1").update(`blob ${size}\0`);
}

async function hashOf(path: string, hash: Hash): Promise<string> {
  const file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}
