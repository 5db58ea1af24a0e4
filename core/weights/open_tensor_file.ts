/**
 * Weights in one file, or in several beside an index (`*.safetensors.index.json`,
 * `*.bin.index.json`) whose `weight_map` says which file holds which tensor.
 */
import { readRange } from "../files/byte_range.ts";
import { isRecord } from "../files/read_json.ts";
import { openSafetensors } from "./safetensors.ts";
import { parseStrictJson } from "./strict_json.ts";
import {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "./tensor_file.ts";
import { isTorchFile, openTorch } from "./torch/torch_file.ts";

const beginningBytes = 64;
const lfsPointer = "version https://git-lfs";

/**
 * Opens weights without reading their data: safetensors, a file by
 * `torch.save` (`.bin`, `.pt`, `.pth`), or every file of an index (`.json`).
 *
 * @throws {Deno.errors.NotFound} If there is no such file, or a file of an index is missing.
 * @throws {TypeError} If a file is of no known format, or not strictly of its own; or an index names a file outside its own folder.
 * @throws {RangeError} If offsets or lengths do not fit a file, or it lacks a tensor that its index places in it, or holds another.
 */
export const openTensorFile = (path: string): TensorFile =>
  path.endsWith(".json") ? openSharded(path) : openSingleFile(path);

/** Opens one file, whose format its first bytes tell. */
function openSingleFile(path: string): TensorFile {
  const { size } = Deno.statSync(path);
  const end = Math.min(size, beginningBytes);
  const beginning = readRange(path, { begin: 0, end });
  if (isTorchFile(beginning)) return openTorch(path);
  if (new TextDecoder().decode(beginning).startsWith(lfsPointer)) {
    throw new TypeError(
      `Cannot open ${path}: it is a pointer of git-lfs, expected the weights themselves ("git lfs pull" fetches them)`,
    );
  }
  if (path.endsWith(".safetensors") || beginning[8] === 0x7b) {
    return openSafetensors(path);
  }
  throw new TypeError(
    `Cannot open ${path}: it begins neither as a safetensors file nor as one by torch.save`,
  );
}

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
  const json = parseStrictJson(Deno.readFileSync(path), it);
  const map = isRecord(json) ? json.weight_map : undefined;
  if (!isRecord(map)) throw new TypeError(`${it} has no object "weight_map"`);
  for (const [name, shard] of Object.entries(map)) {
    if (isPlainName(shard)) continue;
    throw new TypeError(
      `Cannot open ${path}: tensor "${name}" is in ${
        JSON.stringify(shard)
      }, expected a weight file's name in the same folder`,
    );
  }
  return new Map(Object.entries(map as Record<string, string>));
}

/** Whether a name has no path, and is not an index's. */
function isPlainName(name: unknown): boolean {
  return typeof name === "string" && /^[^/\\:]+$/.test(name) &&
    /\.(safetensors|bin|pt|pth)$/.test(name);
}
