/** A weight file of any format that this project reads, told by how it begins. */
import { readRange } from "../files/byte_range.ts";
import { openSafetensors } from "./safetensors.ts";
import type { TensorFile } from "./tensor_file.ts";
import { isTorchFile, openTorch } from "./torch/torch_file.ts";

/** Enough to tell the formats. */
const beginningBytes = 64;
const lfsPointer = "version https://git-lfs";

/**
 * Opens one file without reading its tensors: safetensors, or by `torch.save`.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If it is of neither format, or not strictly of its own.
 * @throws {RangeError} If its offsets or lengths do not fit it.
 */
export function openSingleFile(path: string): TensorFile {
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
