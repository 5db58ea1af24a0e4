/**
 * A repository in the cache as Python's `huggingface_hub` lays it out:
 * `blobs/<hash>`, links to them in `snapshots/<commit>/`, the commits of
 * branches in `refs/`, and beside all repositories `.locks/`.
 */
import { isFile, statOf } from "../../files/is_file.ts";
import { writeAtomically } from "../../files/write_atomically.ts";
import { type BlobInfo, download } from "../transfer/download.ts";
import { withLock } from "./lock.ts";
import type { HubSettings } from "../settings.ts";
import { writing } from "../transfer/writing.ts";

export interface CacheFolder {
  readonly root: string;
  readonly locks: string;
}

/** The folders of the repository `owner/name`. */
export function cacheFolder(
  { cache }: HubSettings,
  kind: "models" | "datasets",
  repo: string,
): CacheFolder {
  const name = `${kind}--${repo.replace("/", "--")}`;
  return { root: `${cache}/${name}`, locks: `${cache}/.locks/${name}` };
}

export const snapshotFolder = ({ root }: CacheFolder, commit: string): string =>
  `${root}/snapshots/${commit}`;

/**
 * The folder of an earlier download, if there was one.
 *
 * @param marks Files of which any shows that the download was whole: {@linkcode addFiles} links them last.
 */
export async function earlierSnapshot(
  folder: CacheFolder,
  { revision, marks }: { revision: string; marks: readonly string[] },
): Promise<string | undefined> {
  const ref = `${folder.root}/refs/${revision}`;
  const commit = await isFile(ref)
    ? (await Deno.readTextFile(ref)).trim()
    : revision;
  const snapshot = snapshotFolder(folder, commit);
  for (const name of marks) {
    if (await isFile(`${snapshot}/${name}`)) return snapshot;
  }
}

/**
 * Completes a snapshot: downloads the files that it lacks, then links them in
 * the given order. A complete snapshot is only read.
 *
 * @throws As `download` and `writing`.
 */
export async function addFiles(
  folder: CacheFolder,
  { commit, files }: { commit: string; files: readonly BlobInfo[] },
  settings: HubSettings,
): Promise<string> {
  const snapshot = snapshotFolder(folder, commit);
  const missing: BlobInfo[] = [];
  for (const file of files) {
    const isThere = await isWhole(`${snapshot}/${file.name}`, file);
    if (!isThere) missing.push(file);
  }
  for (const file of missing) await addBlob(folder, file, settings);
  for (const file of missing) await link(`${snapshot}/${file.name}`, file);
  return snapshot;
}

const isWhole = async (path: string, { size }: BlobInfo): Promise<boolean> =>
  (await statOf(path))?.size === size;

/** Downloads a blob, unless another process does or did. */
async function addBlob(
  { root, locks }: CacheFolder,
  file: BlobInfo,
  settings: HubSettings,
): Promise<void> {
  const blob = `${root}/blobs/${file.hash}`;
  if (await isWhole(blob, file)) return;
  for (const path of [`${root}/blobs`, locks]) {
    await writing(path, 0, () => Deno.mkdir(path, { recursive: true }));
  }
  await withLock(`${locks}/${file.hash}.lock`, async () => {
    if (!await isWhole(blob, file)) await download(blob, file, settings);
  }, () => settings.say?.(`another process downloads ${file.name}; waiting`));
}

/** Links a file of a snapshot to its blob; in one step, as other processes may do so too. */
async function link(
  path: string,
  { name, size, hash }: BlobInfo,
): Promise<void> {
  const up = "../".repeat(name.split("/").length + 1);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  await writing(path, size, async () => {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.symlink(`${up}blobs/${hash}`, temporary);
    await Deno.rename(temporary, path);
  });
}

/** Notes the commit that a branch or tag points to. */
export async function noteRevision(
  { root }: CacheFolder,
  revision: string,
  commit: string,
): Promise<void> {
  const path = `${root}/refs/${revision}`;
  if (revision === commit) return;
  if (await isFile(path) && await Deno.readTextFile(path) === commit) return;
  await writing(path, commit.length, async () => {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await writeAtomically(path, commit);
  });
}
