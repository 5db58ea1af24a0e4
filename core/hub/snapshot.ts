/** A model, or files of a data set, from the hub as a folder, in the cache of Python's `huggingface_hub`. */
import * as v from "valibot";
import { conform, type Conformed, openRecord } from "../files/schema.ts";
import {
  addFiles,
  type CacheFolder,
  cacheFolder,
  earlierSnapshot,
  noteRevision,
} from "./cache/cache_folder.ts";
import type { BlobInfo } from "./transfer/download.ts";
import type { ModelName } from "./model_name.ts";
import { neededFiles } from "./needed_files.ts";
import { ask, HubError, persist } from "./transfer/request.ts";
import type { HubSettings } from "./settings.ts";

/** A hash in hex, which cannot lead out of the cache. */
const hash = v.pipe(v.string(), v.regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/));

/** A revision as `/api/models` describes it. */
const revisionSchema = openRecord({
  sha: hash,
  siblings: v.array(openRecord({
    rfilename: v.string(),
    size: v.number(),
    blobId: hash,
    lfs: v.nullish(openRecord({ sha256: hash })),
  })),
});
type Revision = Conformed<typeof revisionSchema>;

/** The part of a repository that is downloaded. */
export interface Wanted {
  readonly kind: "models" | "datasets";
  /** Selects the files to download from all paths of the repository. */
  readonly files: (paths: readonly string[]) => readonly string[];
  /** Files of which any shows that all were downloaded before. */
  readonly marks: readonly string[];
}

const wholeModel: Wanted = {
  kind: "models",
  files: neededFiles,
  marks: ["model_index.json", "config.json", "open_clip_config.json"],
};

/**
 * The folder of a model, or of a data set's wanted files; missing files are
 * downloaded. If the hub cannot be reached or refuses, an earlier download is
 * taken, as in Python.
 *
 * @throws {HubError} If the hub refuses, is offline or cannot be reached, and the cache lacks the model; or if a download fails.
 */
export async function snapshot(
  { repo, revision }: ModelName,
  settings: HubSettings,
  wanted: Wanted = wholeModel,
): Promise<string> {
  const { kind, marks } = wanted;
  const folder = cacheFolder(settings, kind, repo);
  const before = await earlierSnapshot(folder, { revision, marks });
  if (settings.offline) {
    if (before !== undefined) return before;
    throw new HubError(
      `Cannot load ${repo}@${revision} offline: not whole in ${folder.root}; unset HF_HUB_OFFLINE to download it`,
    );
  }
  const page = `${settings.endpoint}/${
    kind === "models" ? "" : `${kind}/`
  }${repo}`;
  const commit = encodeURIComponent(revision);
  const url =
    `${settings.endpoint}/api/${kind}/${repo}/revision/${commit}?blobs=true`;
  const question = () => revisionOf(url, settings, page);
  let found: Revision;
  try {
    found = before === undefined
      ? await persist(`ask for ${repo}`, settings, question)
      : await question();
  } catch (cause) {
    if (before === undefined) throw cause;
    settings.say?.(`${(cause as Error).message}; taking ${before}`);
    return before;
  }
  return await fetched(folder, { revision, page, ...found }, settings, wanted);
}

/** The path of one file of a repository. @throws As {@linkcode snapshot}; {HubError} If there is no such file. */
export async function snapshotFile(
  { name, path }: { readonly name: ModelName; readonly path: string },
  kind: Wanted["kind"],
  settings: HubSettings,
): Promise<string> {
  const folder = await snapshot(name, settings, {
    kind,
    marks: [path],
    files(paths) {
      if (paths.includes(path)) return [path];
      throw new HubError(
        `Cannot download ${path} of ${name.repo}: it has no such file, expected one of ${
          paths.join(", ")
        }`,
      );
    },
  });
  return `${folder}/${path}`;
}

/** Downloads the needed files; returns the snapshot's folder. */
async function fetched(
  folder: CacheFolder,
  { revision, page, sha, siblings }:
    & { readonly revision: string; readonly page: string }
    & Revision,
  settings: HubSettings,
  wanted: Wanted,
): Promise<string> {
  const known = new Map(siblings.map((file) => [file.rfilename, file]));
  const { marks } = wanted;
  const rank = (path: string) => marks.toReversed().indexOf(path);
  const paths = wanted.files([...known.keys()])
    .toSorted((a, b) => rank(a) - rank(b)); // marks last
  const files = paths.map((name): BlobInfo => {
    const { size, blobId, lfs } = known.get(name)!;
    const path = name.split("/").map(encodeURIComponent).join("/");
    const url = `${page}/resolve/${sha}/${path}`;
    return { url, page, name, size, hash: lfs?.sha256 ?? blobId };
  });
  const snapshot = await addFiles(folder, { commit: sha, files }, settings);
  await noteRevision(folder, revision, sha);
  return snapshot;
}

/** Asks the hub for a revision. @throws {HubError} If the answer is of another form. */
async function revisionOf(
  url: string,
  settings: HubSettings,
  page: string,
): Promise<Revision> {
  const { chunks } = await ask(url, settings, { page });
  const parts = await Array.fromAsync(chunks);
  const text = await new Blob(parts as Uint8Array<ArrayBuffer>[]).text();
  try {
    return conform(revisionSchema, JSON.parse(text), `read ${url}`);
  } catch (cause) {
    throw new HubError(
      `Cannot read ${url}: found no commit with hashed files, but ${
        JSON.stringify(text.slice(0, 80))
      }; check HF_ENDPOINT, and that no proxy answers instead`,
      { cause },
    );
  }
}
