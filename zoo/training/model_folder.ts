/** Writes the files of the embedded models' folders. */
import { dirname } from "node:path";
import { libraryJson, writeAtomically } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";

/** A trained model's weights by key, and their file's metadata, such as the command that made them. */
export interface TrainedWeights {
  readonly weights: Readonly<Record<string, Tensor<"float32">>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes an indented JSON file, as Python's libraries read it. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeAtomically(path, libraryJson(value, 2) + "\n");

/** Writes the indented JSON files of a pipeline's folder, by their paths in it. */
export async function writeConfigs(
  folder: string,
  files: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const [path, value] of Object.entries(files)) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await writeJson(`${folder}/${path}`, value);
  }
}

/** Writes weights in half precision, the metadata in their header. */
export const writeHalf = (
  path: string,
  { weights, metadata }: TrainedWeights,
): Promise<void> =>
  writeSafetensors(path, new Map(Object.entries(weights)), {
    dtype: "F16",
    metadata,
  });
