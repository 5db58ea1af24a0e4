/** One file over HTTP: resumed where a transfer broke, checked against size and hash; callers hold a lock. */
import { createHash, type Hash } from "node:crypto";
import { statOf } from "../../files/is_file.ts";
import { writeAll } from "../../files/write_atomically.ts";
import {
  type Answer,
  ask,
  HubError,
  PassingError,
  persist,
} from "./request.ts";
import type { HubSettings } from "../settings.ts";
import { writing } from "./writing.ts";

/** A file of the hub, with the size and hash that its bytes must have. */
export interface BlobInfo {
  readonly url: string;
  /** The page of the file's repository, for advice. */
  readonly page: string;
  /** The file's path within the model. */
  readonly name: string;
  readonly size: number;
  /** Hash in hex: SHA-256 of the bytes, or the SHA-1 that git gives a blob. */
  readonly hash: string;
}

/**
 * Downloads to `path`, by way of `path.incomplete`, which stays for the next
 * try if the transfer breaks, and is removed if its bytes are wrong.
 *
 * @throws {HubError} If the hub refuses, the transfer keeps breaking, size or hash are wrong, or the disk is full.
 */
export async function download(
  path: string,
  info: BlobInfo,
  settings: HubSettings,
): Promise<void> {
  const partial = `${path}.incomplete`;
  const wasThere = await sizeOf(partial) > 0;
  const expected = `${info.size} bytes of hash ${info.hash}`;
  const fetchAll = async () => {
    const task = () => transfer(partial, info, settings);
    await persist(`download ${info.url}`, settings, task);
    return await digestOf(partial, info);
  };
  let found = await fetchAll();
  if (found !== expected && wasThere) {
    await Deno.remove(partial); // another process left other bytes
    found = await fetchAll();
  }
  if (found === expected) return await Deno.rename(partial, path);
  await Deno.remove(partial);
  throw new HubError(
    `Cannot download ${info.url}: found ${found}, expected ${expected}; removed, run again`,
  );
}

/** Appends the bytes that a partial file lacks. @throws {PassingError} If not all of them come. */
async function transfer(
  partial: string,
  info: BlobInfo,
  settings: HubSettings,
): Promise<void> {
  const { url, page, name, size } = info;
  const begin = await sizeOf(partial);
  if (begin >= size && begin > 0) return;
  const headers: Record<string, string> = begin > 0
    ? { range: `bytes=${begin}-` }
    : {};
  const answer = await ask(url, settings, { page, headers });
  let done = beginOf(answer);
  if (done !== 0 && done !== begin) {
    throw new HubError(
      `Cannot download ${url}: its bytes begin at ${done}, expected ${begin}`,
    );
  }
  const isResumed = done > 0;
  const how = { create: true, append: isResumed, truncate: !isResumed };
  using file = await writing(
    partial,
    size,
    () => Deno.open(partial, { write: true, ...how }),
  );
  try {
    for await (const chunk of answer.chunks) {
      await writing(partial, size, () => writeAll(file, chunk));
      done += chunk.length;
      settings.observe?.({ path: name, done, size });
      if (done > size) return; // the hash shows the fault
    }
  } catch (cause) {
    if (!(cause instanceof PassingError)) throw cause;
    throw new PassingError(cause.message, { cause, progressed: done > begin });
  }
  if (done >= size) return;
  throw new PassingError(
    `${url} ended after ${done} of ${size} bytes`,
    { progressed: done > begin },
  );
}

/** The position of an answer's first byte: a server may send all bytes, whatever range was asked for. */
function beginOf({ status, headers }: Answer): number {
  const range = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "");
  return status === 206 && range ? Number(range[1]) : 0;
}

const sizeOf = async (path: string): Promise<number> =>
  (await statOf(path))?.size ?? 0;

/** A file's size, and its hash of the kind of the expected one. */
async function digestOf(path: string, { hash }: BlobInfo): Promise<string> {
  const size = await sizeOf(path);
  const digest = hashFor(hash, size);
  const file = await Deno.open(path);
  for await (const chunk of file.readable) digest.update(chunk);
  return `${size} bytes of hash ${digest.digest("hex")}`;
}

/** The kind of hash that a digest in hex has. */
function hashFor(digest: string, size: number): Hash {
  if (digest.length === 64) return createHash("sha256");
  return createHash("sha1").update(`blob ${size}\0`);
}
