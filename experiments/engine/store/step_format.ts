/** The formats of steps' values on disk: JSON, or final latents as safetensors, sealed with their hash. */
import { readJson, writeSealedJson } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";

/** A file format; `reads` is written beside the value, for people. */
export interface StepFormat<Value> {
  readonly extension: string;
  /** @throws {SyntaxError | TypeError | RangeError} If the file is not of the format. */
  read(path: string): Promise<Value>;
  write(path: string, value: Value, reads: unknown): Promise<void>;
}

/** The format of values that survive JSON. */
export function jsonFormat<Value>(): StepFormat<Value> {
  return {
    extension: "json",
    read: async (path) => (await readJson(path) as { value: Value }).value,
    write: (path, value, reads) => writeSealedJson(path, { reads, value }),
  };
}

/** The format of a sampler's final latents, `[B, C, H, W]`. */
export const latentsFormat: StepFormat<Tensor<"float32">> = {
  extension: "safetensors",
  read: (path) =>
    Promise.try(() => openSafetensors(path).readFloat32("latents")),
  write: (path, latents, reads) =>
    writeSafetensors(path, new Map([["latents", latents]]), {
      metadata: { reads: JSON.stringify(reads) },
      sealed: true,
    }),
};
