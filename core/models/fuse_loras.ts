/** Fuses LoRAs into a pipeline: writes its folder anew, with changed weights. */
import { entriesOf, isFile } from "../files/is_file.ts";
import { readJson } from "../files/read_json.ts";
import { findWeights } from "../files/weights/find_weights.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import { fusedWeights, type ScaledChange } from "../weights/lora/fuse_lora.ts";
import { readLora } from "../weights/lora/read_lora.ts";

/** A LoRA and the strength that it is added with. */
export interface ScaledLora {
  /** A safetensors or `torch.save` file, or the folder of one. */
  readonly path: string;
  /** By default 1. */
  readonly scale?: number;
}

/** Files of weights, and their indices. */
const weightFiles = /\.(safetensors|bin|ckpt|pt|onnx|msgpack|h5)$|\.index\b/;

/**
 * Writes a folder in diffusers layout with LoRAs added to the weights of its
 * network and of its CLIP towers, each part as one file in its own precision;
 * all else is copied.
 *
 * @param from A folder in diffusers layout.
 * @param options.folder The folder to write, new or empty.
 * @param options.note Is called as weights are changed, with their number so far and in all.
 * @returns The number of changed weights in each part.
 * @throws {TypeError} If the model is no such folder, the folder holds a model already, or a file is no LoRA.
 * @throws {RangeError} If a LoRA does not fit the model.
 */
export async function fuseLoras(
  from: string,
  loras: readonly ScaledLora[],
  { folder, note = () => {} }: {
    readonly folder: string;
    readonly note?: (done: number, total: number) => void;
  },
): Promise<ReadonlyMap<string, number>> {
  const index = "model_index.json";
  if (!await isFile(`${from}/${index}`)) {
    throw new TypeError(
      `Cannot fuse LoRAs into ${from}: found no ${index}, expected a pipeline's folder in diffusers layout`,
    );
  }
  if (await isFile(`${folder}/${index}`)) {
    throw new TypeError(
      `Cannot write ${folder}: it holds a model, expected a new folder`,
    );
  }
  const listed = Object.keys(await readJson(`${from}/${index}`) as object);
  const folders = (await entriesOf(from)).map(({ name }) => name)
    .filter((name) => listed.includes(name));
  const changes = await changesByPart(from, folders, loras);
  const fused = new Map(
    [...changes].map(([part, own]) => {
      const file = openTensorFile(partWeights(`${from}/${part}`));
      return [part, fusedWeights(file, own)];
    }),
  );
  const counts = new Map([...fused].map(([part, own]) => [part, own.changed]));
  const total = counts.values().reduce((sum, count) => sum + count, 0);
  let done = 0;
  for (const name of folders) {
    const [source, target] = [`${from}/${name}`, `${folder}/${name}`];
    await copyFiles(source, target);
    const own = fused.get(name);
    if (!own) await copyWeights(source, target);
    else {
      const file = `${target}/${weightFile(name)}`;
      await own.write(file, () => note(++done, total));
    }
  }
  await Deno.copyFile(`${from}/${index}`, `${folder}/${index}`);
  return counts;
}

/** The changes of all LoRAs by the folder of the part. @throws {RangeError} If the model lacks a part. */
async function changesByPart(
  from: string,
  folders: readonly string[],
  loras: readonly ScaledLora[],
) {
  const network = folders.includes("unet") ? "unet" : "transformer";
  const all = await Array.fromAsync(
    loras,
    async ({ path, scale = 1 }) =>
      (await readLora(path)).map((change) => ({ change, scale, path })),
  );
  return Map.groupBy(all.flat(), ({ change, path }: ScaledChange) => {
    const part = change.part === "network" ? network : change.part;
    if (folders.includes(part)) return part;
    throw new RangeError(
      `Cannot fuse LoRA ${path}: it changes ${part}, which ${from} has not; is the LoRA for another model?`,
    );
  });
}

/** The name of a part's weights, which diffusers stores, or transformers. */
const weightFile = (part: string): string =>
  ["transformer", "unet", "vae"].includes(part)
    ? "diffusion_pytorch_model.safetensors"
    : "model.safetensors";

const partWeights = (folder: string): string =>
  findWeights(folder, weightFile(folder.split("/").pop()!));

/** Copies a folder's files but weights. */
async function copyFiles(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const { name } of await entriesOf(from)) {
    if (weightFiles.test(name) || !await isFile(`${from}/${name}`)) continue;
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Copies the weights that the folder's part would be loaded from, if it has any. */
async function copyWeights(from: string, to: string): Promise<void> {
  const names = (await entriesOf(from)).map(({ name }) => name);
  if (!names.some((name) => /\.(safetensors|bin)$/.test(name))) return;
  const path = partWeights(from);
  const { tensors } = openTensorFile(path);
  const files = new Set([path, ...[...tensors.values()].map((t) => t.path)]);
  for (const file of files) {
    await Deno.copyFile(file, `${to}/${file.split("/").pop()}`);
  }
}
