/** Hashes of the files that an experiment names: what a step read is known by its content. */
import { createHash, type Hash } from "node:crypto";
import { isFile } from "@dip-go/core/files";
import { modelFolder } from "@dip-go/core/hub";
import type { Experiment } from "../../schema/experiment.ts";
import { metricPaths } from "../../schema/metric_records.ts";

/** SHA-256 of every file or folder, by what it is to the experiment; a folder's counts its names too. */
export interface InputHashes {
  readonly model: string;
  readonly prompts?: { readonly search: string; readonly evaluation: string };
  /** Of all that each metric reads, in their order. */
  readonly metrics: readonly string[];
}

/** Reads and hashes an experiment's files. */
export async function inputHashes(
  { model, prompts, metrics }: Pick<
    Experiment,
    "model" | "prompts" | "metrics"
  >,
): Promise<InputHashes> {
  const ofMetrics: string[] = [];
  for (const record of metrics) {
    const paths = new Set(metricPaths(record).map(([, path]) => path));
    const files = await Promise.all([...paths].map(modelFolder)); // those on the hub are downloaded
    ofMetrics.push(await contentHash(files));
  }
  return {
    model: await contentHash([model]),
    ...prompts === undefined ? {} : {
      prompts: {
        search: await contentHash([prompts.search]),
        evaluation: await contentHash([prompts.evaluation]),
      },
    },
    metrics: ofMetrics,
  };
}

/** SHA-256 of files, and of folders with the names in them. */
export async function contentHash(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    if (await isFile(path)) {
      await update(hash, path);
      continue;
    }
    for (const name of await filesOf(path)) {
      hash.update(name);
      await update(hash, `${path}/${name}`);
    }
  }
  return hash.digest("hex");
}

async function update(hash: Hash, path: string): Promise<void> {
  const file = await Deno.open(path);
  for await (const bytes of file.readable) hash.update(bytes);
}

/** Paths below a folder in a fixed order; files that are being written are left out. */
async function filesOf(folder: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      names.push(...await filesOf(`${folder}/${name}`, `${prefix}${name}/`));
    } else if (!name.endsWith(".tmp")) names.push(prefix + name);
  }
  return names.sort();
}
