/** Hashes of the files that an experiment names: what a step read is known by its content. */
import { createHash, type Hash } from "node:crypto";
import type { Experiment } from "./experiment.ts";

/** SHA-256 of every file or folder, by what it is to the experiment; a folder's counts its names too. */
export interface InputHashes {
  readonly model: string;
  readonly contrastivePair?: string;
  readonly prompts?: { readonly search: string; readonly evaluation: string };
}

/** Reads and hashes an experiment's files. */
export async function inputHashes(
  { model, prompts, contrastivePair }: Pick<
    Experiment,
    "model" | "prompts" | "contrastivePair"
  >,
): Promise<InputHashes> {
  return {
    model: await folderHash(model),
    ...contrastivePair === undefined
      ? {}
      : { contrastivePair: await folderHash(contrastivePair) },
    ...prompts === undefined ? {} : {
      prompts: {
        search: await fileHash(prompts.search),
        evaluation: await fileHash(prompts.evaluation),
      },
    },
  };
}

async function folderHash(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of await filesOf(folder)) {
    hash.update(name);
    await update(hash, `${folder}/${name}`);
  }
  return hash.digest("hex");
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash("sha256");
  await update(hash, path);
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
