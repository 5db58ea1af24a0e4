/**
 * Weights in one file, or in several beside an index (`*.safetensors.index.json`,
 * `*.bin.index.json`) whose `weight_map` says which file holds which tensor.
 */
import { openSingleFile } from "./single_file.ts";
import { parseStrictJson } from "./strict_json.ts";
import {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "./tensor_file.ts";

/**
 * Opens weights without reading their data: safetensors, a file by
 * `torch.save` (`.bin`, `.pt`, `.pth`), or every file of an index (`.json`).
 *
 * @throws As {@linkcode openSingleFile}; {Deno.errors.NotFound} If a file of an index is missing.
 * @throws {TypeError} If an index is not of its form, or names a file outside its own folder.
 * @throws {RangeError} If a file lacks a tensor that its index places in it, or holds another.
 */
export const openTensorFile = (path: string): TensorFile =>
  path.endsWith(".json") ? openSharded(path) : openSingleFile(path);

function openSharded(path: string): TensorFile {
  const folder = path.replace(/[^/\\]*$/, "");
  const shardOf = readWeightMap(path);
  const tensors = new Map<string, StoredTensor>();
  for (const shard of new Set(shardOf.values())) {
    const file = openShard(path, `${folder}${shard}`);
    for (const [name, stored] of file.tensors) {
      if (shardOf.get(name) !== shard) {
        throw new RangeError(
          `Cannot open ${path}: ${shard} holds tensor "${name}", which the index does not place there`,
        );
      }
      tensors.set(name, stored);
    }
  }
  for (const [name, shard] of shardOf) {
    if (tensors.has(name)) continue;
    throw new RangeError(
      `Cannot open ${path}: tensor "${name}" is not in ${shard}, where the index places it`,
    );
  }
  return tensorFile(path, tensors);
}

function openShard(index: string, shard: string): TensorFile {
  try {
    return openSingleFile(shard);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Deno.errors.NotFound(
      `Cannot open ${index}: its file ${shard} is missing`,
      { cause },
    );
  }
}

/** Reads the file of each tensor from an index. */
function readWeightMap(path: string): Map<string, string> {
  const it = `Cannot open ${path}: it`;
  const json = parseStrictJson(Deno.readFileSync(path), it) as
    | { weight_map?: unknown }
    | null;
  const map = json?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new TypeError(`${it} has no object "weight_map"`);
  }
  for (const [name, shard] of Object.entries(map)) {
    if (isPlainName(shard)) continue;
    throw new TypeError(
      `Cannot open ${path}: tensor "${name}" is in ${
        JSON.stringify(shard)
      }, expected a weight file's name in the same folder`,
    );
  }
  return new Map(Object.entries(map));
}

/** Whether a name has no path, and is not an index's. */
function isPlainName(name: unknown): boolean {
  return typeof name === "string" && /^[^/\\:]+$/.test(name) &&
    /\.(safetensors|bin|pt|pth)$/.test(name);
}
