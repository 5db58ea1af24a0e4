/** A weight file of any format that this project reads, told by its first bytes. */
import { readRange } from "../files/byte_range.ts";
import { openSafetensors } from "./safetensors.ts";
import type { TensorFile } from "./tensor_file.ts";
import { isTorchFile, openTorch } from "./torch/torch_file.ts";

/** The number of first bytes that tell the formats apart. */
const beginningBytes = 64;
const lfsPointer = "version https://git-lfs";

/**
 * Opens one file without reading its tensors: safetensors, or by `torch.save`.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the file is of neither format, or not strictly of its own.
 * @throws {RangeError} If offsets or lengths do not fit the file.
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
