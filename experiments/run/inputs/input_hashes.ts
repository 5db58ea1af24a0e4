/** Hashes of the files that an experiment names: what a step read is known by its content. */
import { createHash } from "node:crypto";
import { isFile, statOf } from "@dip-go/core/files";
import { modelFolder } from "@dip-go/core/hub";
import { isPictureName } from "@dip-go/core/pictures";
import type { Experiment } from "../../schema/experiment.ts";
import { metricPaths } from "../../schema/metric_records.ts";

/** SHA-256 of every file or folder, by what it is to the experiment; a folder's counts its names too. */
export interface InputHashes {
  readonly model: string;
  readonly prompts?: { readonly search: string; readonly evaluation: string };
  /** Of all that each metric reads, in their order. */
  readonly metrics: readonly string[];
}

type HashedInputs = Pick<Experiment, "model" | "prompts" | "metrics">;

/** Reads and hashes an experiment's files. */
export async function inputHashes(
  { model, prompts, metrics }: HashedInputs,
): Promise<InputHashes> {
  const ofMetrics: string[] = [];
  for (const record of metrics) {
    const hashes: string[] = [];
    for (const [field, path] of metricPaths(record)) {
      const isRead = field === "reference" ? isPictureName : readByModels;
      hashes.push(await contentHash(await modelFolder(path), isRead)); // downloaded if it is on the hub
    }
    ofMetrics.push(hashes.join(" "));
  }
  return {
    model: await contentHash(model),
    ...prompts && {
      prompts: {
        search: await contentHash(prompts.search),
        evaluation: await contentHash(prompts.evaluation),
      },
    },
    metrics: ofMetrics,
  };
}

/** Of the files that a pipeline was loaded from. @param weights Of its network, if not those of its folder. */
export const pipelineHashes = (
  { folder, checkpoint }: { folder?: string; checkpoint?: string },
  weights: string | undefined,
): Promise<string[]> =>
  Promise.all(
    [folder, weights ?? checkpoint].filter((path) => path !== undefined)
      .map((path) => contentHash(path)),
  );

/** Names in the place of hashes: of an experiment that is counted where its files are not. */
export const unreadInputs = (
  { model, prompts, metrics }: HashedInputs,
): InputHashes => ({
  model,
  ...prompts ? { prompts } : {},
  metrics: metrics.map((record) => JSON.stringify(metricPaths(record))),
});

/** Files of a folder that models are read from; documents, previews and other frameworks' weights are not. */
const readByModels = (name: string) =>
  /\.(json|txt|model|safetensors|bin)$/.test(name);

/** SHA-256 of a file, or of what is read of a folder: names and contents. */
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

/** Files below a folder in a fixed order, as "/a/b.json"; links are followed, but not back into a folder that they are in. */
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
    const found = await statOf(path); // of a link, where it leads
    if (found?.isFile && isRead(name)) names.push(`/${name}`);
    else if (found?.isDirectory) {
      const within = await filesOf(path, isRead, [...above, real]);
      names.push(...within.map((each) => `/${name}${each}`));
    }
  }
  return names.sort();
}
