/**
 * The place of a model's files: a folder with all of them, or a checkpoint in the
 * original layout and the folder of its configurations and tokenizers.
 */
import { basename } from "node:path";
import { isFile } from "../files/is_file.ts";
import { modelFolder } from "../hub/model_folder.ts";
import { pipelineJson } from "../models/original/pipeline_json.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import type { TensorFile } from "../weights/tensor_file.ts";
import { originalMmditFamily } from "../weights/original/mmdit.ts";
import { isOriginal } from "../weights/original/unet.ts";

/** The folder of the configurations, and the checkpoint of the weights if they are not in that folder. */
export interface ModelPlace {
  readonly folder: string;
  readonly checkpoint?: string;
}

/**
 * Finds a model.
 *
 * @param model A folder in diffusers layout, a checkpoint in the original layout, or `owner/name[@revision]` on the hub.
 * @param config For a checkpoint: a pipeline of its kind, as a folder or by its name on the hub, which also gives the parts that a checkpoint of SD3 or FLUX lacks. Only those two need it: for others the checkpoint's tensors tell the networks, schedulers are as published, the tokenizer lies beside the checkpoint, and the configurations go to a temporary folder.
 * @throws {TypeError} If a file is no such checkpoint or lacks a needed config, or a folder is given one.
 * @throws {Deno.errors.NotFound} If there is no tokenizer.
 * @throws As `modelFolder` and `openTensorFile`.
 */
export async function modelPlace(
  model: string,
  config?: string,
): Promise<ModelPlace> {
  const folder = await modelFolder(model);
  if (!await isFile(folder)) {
    if (config === undefined) return { folder };
    throw new TypeError(
      `Cannot load model ${model}: config "${config}" is given, expected none, as the model is a folder with its own`,
    );
  }
  const file = openTensorFile(folder);
  const family = originalMmditFamily(file);
  if (config === undefined && family) {
    throw new TypeError(
      `Cannot load model ${model}: it is a checkpoint of the family ${family} in the original layout, which needs a config, the folder of a pipeline of its kind, for configurations, tokenizers and parts that it lacks`,
    );
  }
  if (config === undefined) {
    return { folder: await toldFolder(file), checkpoint: folder };
  }
  if (!family && !isOriginal(file)) {
    throw new TypeError(
      `Cannot load model ${model}: its tensors are not those of a checkpoint in the original layout; weights of a network alone go with the folder of their model as model`,
    );
  }
  return { folder: await modelFolder(config), checkpoint: folder };
}

/** Makes a temporary folder of a checkpoint's configurations and tokenizers, removed when the program ends. */
async function toldFolder(file: TensorFile): Promise<string> {
  const json = pipelineJson(file);
  const { path: checkpoint } = file;
  const folder = checkpoint.replace(/[^/\\]*$/, "") || "./";
  const tokenizers = Object.keys(json).map((path) => path.split("/")[0])
    .filter((name) => name.startsWith("tokenizer"));
  const own = await Promise.all(
    tokenizers.map(async (name) => ({
      name,
      files: await tokenizerFiles(checkpoint, [
        `${folder}${name}/`,
        `${folder}tokenizer/`,
        folder,
      ]),
    })),
  );
  const told = await Deno.makeTempDir({ prefix: "checkpoint-" });
  globalThis.addEventListener("unload", () => {
    Deno.removeSync(told, { recursive: true });
  });
  for (const [name, content] of Object.entries(json)) {
    await writeJson(`${told}/${name}`, content);
  }
  for (const { name, files } of own) {
    for (const file of files) {
      await Deno.copyFile(file, `${told}/${name}/${basename(file)}`);
    }
  }
  return told;
}

async function writeJson(path: string, content: unknown): Promise<void> {
  await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(path, JSON.stringify(content));
}

/** The file names of CLIP's vocabulary, in each of its forms. */
const vocabularies = [["tokenizer.json"], ["vocab.json", "merges.txt"]];

/** Finds the files of the vocabulary in the first folder that has one. */
async function tokenizerFiles(
  checkpoint: string,
  folders: readonly string[],
): Promise<readonly string[]> {
  for (const folder of folders) {
    for (const names of vocabularies) {
      const files = names.map((name) => `${folder}${name}`);
      const found = await Promise.all(files.map(isFile));
      if (found.every((is) => is)) return files;
    }
  }
  throw new Deno.errors.NotFound(
    `Cannot load model ${checkpoint}: a checkpoint holds no tokenizer, and none lies beside it; give the folder of a pipeline of its kind as config, or put CLIP's vocab.json and merges.txt into ${
      folders[1]
    }`,
  );
}
