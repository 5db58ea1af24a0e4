/** Weights in one file or several. */
import { openSharded } from "./sharded.ts";
import { openSingleFile } from "./single_file.ts";
import type { TensorFile } from "./tensor_file.ts";

/**
 * Opens weights without reading their data: safetensors, a file by
 * `torch.save` (`.bin`, `.pt`, `.pth`), or the index of several (`.json`).
 *
 * @throws As {@linkcode openSharded} and {@linkcode openSingleFile}.
 */
export function openTensorFile(path: string): TensorFile {
  return path.endsWith(".json") ? openSharded(path) : openSingleFile(path);
}
