/** How values of steps lie on disk: JSON, or pictures as safetensors; a damaged file is told from a whole one. */
import type { Tensor } from "../core/tensor.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../core/weights/safetensors.ts";
import { writeAtomically } from "../core/write_atomically.ts";

/** A file format; `reads` is written beside the value, for people. */
export interface StepFormat<Value> {
  readonly extension: string;
  /** @throws {SyntaxError | TypeError | RangeError} If the file is not whole. */
  check(path: string): Promise<void>;
  /** @throws As `check`. */
  read(path: string): Promise<Value>;
  write(path: string, value: Value, reads: unknown): Promise<void>;
}

/** Values that survive JSON. */
export function jsonFormat<Value>(): StepFormat<Value> {
  const read = async (path: string): Promise<Value> => {
    const file = JSON.parse(await Deno.readTextFile(path));
    if (Object.hasOwn(file ?? {}, "value")) return file.value;
    throw new TypeError(`Cannot read ${path}: expected the key "value"`);
  };
  return {
    extension: "json",
    check: async (path) => void await read(path),
    read,
    write: (path, value, reads) =>
      writeAtomically(path, JSON.stringify({ reads, value }) + "\n"),
  };
}

/** Pictures `[B, C, H, W]`. */
export const picturesFormat: StepFormat<Tensor<"float32">> = {
  extension: "safetensors",
  check: (path) =>
    Promise.try(() => {
      if (openSafetensors(path).tensors.has("images")) return;
      throw new TypeError(`Cannot read ${path}: expected a tensor "images"`);
    }),
  read: (path) => openSafetensors(path).readFloat32("images"),
  write: (path, images, reads) =>
    writeSafetensors(path, new Map([["images", images]]), {
      metadata: { reads: JSON.stringify(reads) },
    }),
};
