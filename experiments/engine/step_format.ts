/** How values of steps lie on disk: JSON, or pictures as safetensors; a damaged file is told from a whole one. */
import { writeAtomically } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import type { SampledBatch } from "../measure/sampled_sets.ts";

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

/** Pictures, and the latents that they were decoded from. */
export const picturesFormat: StepFormat<SampledBatch> = {
  extension: "safetensors",
  check: (path) =>
    Promise.try(() => {
      if (openSafetensors(path).tensors.has("images")) return;
      throw new TypeError(`Cannot read ${path}: expected a tensor "images"`);
    }),
  read: (path) =>
    Promise.try(() => {
      const file = openSafetensors(path);
      const images = file.readFloat32("images");
      if (!file.tensors.has("latents")) return { images };
      return { images, latents: file.readFloat32("latents") };
    }),
  write: (path, { images, latents }, reads) =>
    writeSafetensors(
      path,
      new Map<string, Tensor>([
        ["images", images],
        ...latents ? [["latents", latents] as const] : [],
      ]),
      { metadata: { reads: JSON.stringify(reads) } },
    ),
};
