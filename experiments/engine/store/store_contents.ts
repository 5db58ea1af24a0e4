/** The files in the step store of a folder of runs, and whether a run needs them. */
import {
  conform,
  entriesOf,
  isFile,
  readJson,
  statOf,
} from "@dip-go/core/files";
import * as v from "valibot";

/** The file of a run's folder that lists the keys of its steps. */
export const stepsFile = "steps.json";

/** A name that the store gives: a step's key, and what follows it. */
const ownName = /^[0-9a-f]{64}[.-]/;

/** A file of the store. */
export interface StoredFile {
  readonly path: string;
  /** The kind of its step, or "checkpoint". */
  readonly kind: string;
  readonly bytes: number;
  /** The time when it was written, in milliseconds since 1970. */
  readonly written: number;
  /** Whether a run may need it. */
  readonly needed: boolean;
}

/** A finished run and its steps; null if it was made before runs noted their steps. */
interface KnownRun {
  readonly keys: ReadonlySet<string> | null;
  /** The time when it ended, in milliseconds since 1970. */
  readonly ended: number;
}

async function finishedRuns(root: string): Promise<KnownRun[]> {
  const runs: KnownRun[] = [];
  for (const { name, isDirectory } of await entriesOf(root)) {
    if (!isDirectory || name.startsWith(".")) continue;
    for (const run of await entriesOf(`${root}/${name}`)) {
      if (!run.isDirectory) continue;
      const folder = `${root}/${name}/${run.name}`;
      const config = await statOf(`${folder}/config.json`);
      if (!config) continue; // a study's folder: its sections have runs of their own
      const file = `${folder}/${stepsFile}`;
      const results = await statOf(`${folder}/results.json`) ?? config;
      const keys = await isFile(file)
        ? conform(v.array(v.string()), await readJson(file), `read ${file}`)
        : null;
      const ended = results.mtime?.getTime() ?? 0;
      runs.push({ keys: keys && new Set(keys), ended });
    }
  }
  return runs;
}

/**
 * Every file of the store but claims; what the store did not write is left out. A write
 * that was cut off is never needed; another file counts as needed if it was written
 * before the end of a run that did not note its steps.
 *
 * @param root Folder of all experiments' runs.
 * @throws {TypeError} If a run's `steps.json` is not a list of keys.
 */
export async function storeContents(root: string): Promise<StoredFile[]> {
  const runs = await finishedRuns(root);
  const unnoted = Math.max(
    -Infinity,
    ...runs.flatMap(({ keys, ended }) => keys ? [] : [ended]),
  );
  const files: StoredFile[] = [];
  for (const { name: kind, ...entry } of await entriesOf(`${root}/.steps`)) {
    if (!entry.isDirectory) continue;
    for (const { name, isFile } of await entriesOf(`${root}/.steps/${kind}`)) {
      const isClaim = name.endsWith(".claim"); // it may be held
      if (!isFile || isClaim || !ownName.test(name)) continue;
      const path = `${root}/.steps/${kind}/${name}`;
      const stat = await statOf(path);
      if (!stat) continue;
      const written = stat.mtime?.getTime() ?? 0;
      const [key] = name.split(/[^0-9a-f]/);
      const isCutOff = name.endsWith(".tmp");
      const needed = !isCutOff &&
        (written <= unnoted || runs.some(({ keys }) => keys?.has(key)));
      files.push({ path, kind, bytes: stat.size, written, needed });
    }
  }
  return files;
}
