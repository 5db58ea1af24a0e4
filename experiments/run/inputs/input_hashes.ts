/** Hashes of the files that an experiment names: steps know a file by its content. */
import { createHash } from "node:crypto";
import { isFile, statOf } from "@dip-go/core/files";
import { modelFolder } from "@dip-go/core/hub";
import { isPictureName } from "@dip-go/core/pictures";
import type { Experiment } from "../../schema/experiment.ts";
import { metricPaths, type MetricRecord } from "../../schema/metric_records.ts";

/** The SHA-256 of every file or folder by its use; a folder's hash covers its file names too. */
export interface InputHashes {
  readonly model: string;
  readonly prompts?: { readonly search: string; readonly evaluation: string };
  /** The hashes of the files that each metric reads, in the order of metrics. */
  readonly metrics: readonly string[];
}

type HashedInputs = Pick<Experiment, "model" | "prompts" | "metrics">;

/** Reads and hashes an experiment's files. */
export async function inputHashes(
  { model, prompts, metrics }: HashedInputs,
): Promise<InputHashes> {
  return {
    model: await contentHash(model),
    ...prompts && {
      prompts: {
        search: await promptsHash(prompts.search),
        evaluation: await promptsHash(prompts.evaluation),
      },
    },
    metrics: await Array.fromAsync(metrics, metricHashes),
  };
}

/** The hash of a file of prompts, after its format if the name tells one. */
async function promptsHash(path: string): Promise<string> {
  const [format = ""] = /\.(json|tsv)$/i.exec(path) ?? [];
  return format.toLowerCase() + await contentHash(path);
}

/** The hashes of the files that a metric reads; a model of the hub is downloaded. */
async function metricHashes(record: MetricRecord): Promise<string> {
  const hashes = await Array.fromAsync(
    metricPaths(record),
    async ([field, path]) => {
      const isRead = field === "reference" ? isPictureName : readByModels;
      return await contentHash(await modelFolder(path), isRead);
    },
  );
  return hashes.join(" ");
}

/** Hashes of a pipeline's folder and weights. @param weights The network's, if not the pipeline's own. */
export const pipelineHashes = (
  { folder, checkpoint }: { folder?: string; checkpoint?: string },
  weights: string | undefined,
): Promise<string[]> =>
  Promise.all(
    [folder, weights ?? checkpoint].filter((path) => path !== undefined)
      .map((path) => contentHash(path)),
  );

/** Names instead of hashes, for an experiment that is counted without its files. */
export const unreadInputs = (
  { model, prompts, metrics }: HashedInputs,
): InputHashes => ({
  model,
  ...prompts ? { prompts } : {},
  metrics: metrics.map((record) => JSON.stringify(metricPaths(record))),
});

/** Whether models are read from a file; documents, previews and other frameworks' weights are not read. */
const readByModels = (name: string) =>
  /\.(json|txt|model|safetensors|bin)$/.test(name);

/** The SHA-256 of a file, or of the names and contents of the files that are read from a folder. */
export async function contentHash(
  path: string,
  isRead: (name: string) => boolean = readByModels,
): Promise<string> {
  if (await isFile(path)) return await fileHash(path);
  const entries: [name: string, hash: string][] = [];
  for (const name of await filesOf(path, isRead)) {
    entries.push([name, await fileHash(path + name)]);
  }
  return createHash("sha256").update(JSON.stringify(entries)).digest("hex");
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const bytes of file.readable) hash.update(bytes);
  return hash.digest("hex");
}

/** The files below a folder in a fixed order, as "/a/b.json"; links to a folder above are not followed. */
async function filesOf(
  folder: string,
  isRead: (name: string) => boolean,
  above: readonly string[] = [],
): Promise<string[]> {
  const real = await Deno.realPath(folder);
  if (above.includes(real)) return [];
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (name.startsWith(".")) continue;
    const found = await statOf(path); // a link's target
    if (found?.isFile && isRead(name)) names.push(`/${name}`);
    else if (found?.isDirectory) {
      const within = await filesOf(path, isRead, [...above, real]);
      names.push(...within.map((each) => `/${name}${each}`));
    }
  }
  return names.sort();
}
