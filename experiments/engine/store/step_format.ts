/** How values of steps lie on disk: JSON, or pictures as safetensors, each sealed with the hash of its content. */
import { readJson, writeSealedJson } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import type { SampledBatch } from "../../measure/sampled_sets.ts";

/** A file format; `reads` is written beside the value, for people. */
export interface StepFormat<Value> {
  readonly extension: string;
  /** @throws {SyntaxError | TypeError | RangeError} If the file is not of the format. */
  read(path: string): Promise<Value>;
  write(path: string, value: Value, reads: unknown): Promise<void>;
}

/** Values that survive JSON. */
export function jsonFormat<Value>(): StepFormat<Value> {
  return {
    extension: "json",
    read: async (path) => (await readJson(path) as { value: Value }).value,
    write: (path, value, reads) => writeSealedJson(path, { reads, value }),
  };
}

/** Pictures, and the latents that they were decoded from. */
export const picturesFormat: StepFormat<SampledBatch> = {
  extension: "safetensors",
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
      { metadata: { reads: JSON.stringify(reads) }, sealed: true },
    ),
};
