/** A model, or files of a data set, of the hub as a folder, in the cache that Python's `huggingface_hub` keeps. */
import { isFile } from "../files/is_file.ts";
import { ask, download, HubError } from "./download.ts";
import type { ModelName } from "./model_name.ts";
import { neededFiles } from "./needed_files.ts";
import type { HubSettings } from "./settings.ts";

/** A revision as `/api/models` tells it. */
interface Revision {
  readonly sha: string;
  readonly siblings: readonly {
    readonly rfilename: string;
    readonly size: number;
    readonly blobId: string;
    readonly lfs?: { readonly sha256: string };
  }[];
}

/** The part of a repository that is downloaded. */
export interface Wanted {
  readonly kind: "models" | "datasets";
  /** The files to have, of all that there are. */
  readonly files: (paths: readonly string[]) => readonly string[];
  /** Files of which any shows that it was downloaded before. */
  readonly marks: readonly string[];
}

const wholeModel: Wanted = {
  kind: "models",
  files: neededFiles,
  marks: ["model_index.json", "config.json", "open_clip_config.json"],
};

/**
 * The folder of a model, or of a data set's wanted files, what is missing
 * downloaded. Where the hub cannot be reached, what was downloaded before will
 * do.
 *
 * @throws {HubError} If the hub refuses; or it is offline, or not to be reached, and the cache lacks the model.
 */
export async function snapshot(
  { repo, revision }: ModelName,
  settings: HubSettings,
  wanted: Wanted = wholeModel,
): Promise<string> {
  const { kind, marks } = wanted;
  const root = `${settings.cache}/${kind}--${repo.replace("/", "--")}`;
  const before = await cached(root, revision, marks);
  if (settings.offline) {
    return before ?? absent(
      `Cannot load ${repo}@${revision} offline: not in ${root}; unset HF_HUB_OFFLINE to download it`,
    );
  }
  const name = encodeURIComponent(revision);
  const url =
    `${settings.endpoint}/api/${kind}/${repo}/revision/${name}?blobs=true`;
  let found: Revision;
  try {
    found = await revisionOf(url, settings);
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    return before ?? absent(
      `Cannot load ${repo}@${revision}: ${settings.endpoint} does not answer, and it is not in ${root}; check the network`,
      { cause },
    );
  }
  return await fetched(root, { repo, revision, ...found }, settings, wanted);
}

function absent(message: string, options?: ErrorOptions): never {
  throw new HubError(message, options);
}

/** The snapshot's folder with every file that is needed. */
async function fetched(
  root: string,
  { repo, revision, sha, siblings }: ModelName & Revision,
  settings: HubSettings,
  { kind, files: wanted }: Wanted,
): Promise<string> {
  const place = kind === "models" ? repo : `${kind}/${repo}`;
  const folder = `${root}/snapshots/${sha}`;
  const files = new Map(siblings.map((file) => [file.rfilename, file]));
  await Deno.mkdir(`${root}/blobs`, { recursive: true });
  for (const path of wanted([...files.keys()])) {
    const { size, blobId, lfs } = files.get(path)!;
    const hash = lfs?.sha256 ?? blobId;
    const blob = `${root}/blobs/${hash}`;
    if (!await isFile(blob)) {
      const url = `${settings.endpoint}/${place}/resolve/${sha}/${path}`;
      await download(url, blob, { name: path, size, hash }, settings);
    }
    await link(`${folder}/${path}`, hash, path.split("/").length);
  }
  if (revision !== sha) await writeRef(`${root}/refs/${revision}`, sha);
  return folder;
}

/** A revision as the hub tells it. @throws {HubError} If hashes could lead out of the cache. */
async function revisionOf(
  url: string,
  settings: HubSettings,
): Promise<Revision> {
  const revision: Revision = await (await ask(url, settings)).json();
  const hashes = revision.siblings?.map(({ blobId, lfs }) =>
    lfs?.sha256 ?? blobId
  );
  const isHash = (text: unknown) =>
    /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(`${text}`);
  if (hashes && [revision.sha, ...hashes].every(isHash)) return revision;
  throw new HubError(`Cannot read ${url}: found no commit with hashed files`);
}

/** The folder of an earlier download, if there was one. */
async function cached(
  root: string,
  revision: string,
  marks: readonly string[],
): Promise<string | undefined> {
  const ref = `${root}/refs/${revision}`;
  const sha = await isFile(ref)
    ? (await Deno.readTextFile(ref)).trim()
    : revision;
  const folder = `${root}/snapshots/${sha}`;
  for (const name of marks) {
    if (await isFile(`${folder}/${name}`)) return folder;
  }
}

/** Links a file of a snapshot, so many folders deep, to its blob. */
async function link(path: string, hash: string, depth: number): Promise<void> {
  if (await isFile(path)) return;
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.symlink(`${"../".repeat(depth + 1)}blobs/${hash}`, path);
}

async function writeRef(path: string, sha: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, sha);
}
