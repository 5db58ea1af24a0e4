/**
 * Files by `torch.save`, read without Python and without running anything. In
 * each of its formats a tensor is a byte range of the file. Formats: PyTorch's
 * `torch/serialization.py`.
 */
import { readRange } from "../../files/byte_range.ts";
import { safetensorsBytes } from "../safetensors_header.ts";
import { isRowMajor, spanOf } from "./strides.ts";
import {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "../tensor_file.ts";
import { isTorchArchive, readTorchArchive } from "./torch_archive.ts";
import { isLegacyTorch, readLegacyTorch } from "./torch_legacy.ts";
import { type Checkpoint, stateDict, type TorchTensor } from "./torch_state.ts";

/** Whether a file that begins with these bytes was written by `torch.save`. */
export function isTorchFile(beginning: Uint8Array): boolean {
  return isTorchArchive(beginning) || isLegacyTorch(beginning);
}

/**
 * Opens a state dict, or a training's file with one, without reading tensors.
 *
 * @throws {TypeError} If the file names anything but tensors and plain containers, or is compressed or big-endian.
 * @throws {RangeError} If a tensor, storage or entry does not fit the file.
 */
export function openTorch(path: string): TensorFile {
  const { size } = Deno.statSync(path);
  const beginning = readRange(path, { begin: 0, end: Math.min(size, 4) });
  const { saved, storages } = isTorchArchive(beginning)
    ? readTorchArchive(path)
    : readLegacyTorch(path);
  const tensors = [...stateDict(saved, path)].map(([name, tensor]) =>
    [name, place(tensor, { path, name, storages })] as const
  );
  return tensorFile(path, new Map(tensors));
}

/** The place of a tensor's bytes, from its first element to its last. */
function place(
  { storage, offset, view, dtype }: TorchTensor,
  { path, name, storages }: Pick<Checkpoint, "storages"> & {
    readonly path: string;
    readonly name: string;
  },
): StoredTensor {
  const range = storages.get(storage.key);
  const found = range ? range.end - range.begin : 0;
  if (!range || found !== storage.byteLength) {
    throw new RangeError(
      `Cannot open ${path}: storage "${storage.key}" of tensor "${name}" ${
        range ? `has ${found} bytes` : "is missing"
      }, expected ${storage.byteLength} bytes`,
    );
  }
  const elementBytes = safetensorsBytes[dtype];
  const begin = range.begin + offset * elementBytes;
  const end = begin + spanOf(view) * elementBytes;
  const stored = { path, dtype, shape: view.shape, begin, end };
  return isRowMajor(view) ? stored : { ...stored, strides: view.strides };
}
