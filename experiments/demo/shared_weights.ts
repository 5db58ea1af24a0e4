/**
 * Shares one weight file among graphs that are written at different times: a
 * graph's tensor whose content lies in the file already is read from there.
 */
import { createHash } from "node:crypto";
import { readRange } from "@dip-go/core/files";
import {
  decodeModel,
  type FileRange,
  type Graph,
  withInitializers,
} from "@dip-go/core/onnx";
import { bytesOf, type Tensor } from "@dip-go/core/tensor";

/** Ranges of weight files, by the SHA-256 of their bytes. */
export type WeightIndex = ReadonlyMap<string, FileRange>;

const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** The index of the weight files that a folder's graphs read. @param models Names of the graphs' files. */
export async function weightIndex(
  folder: string,
  models: readonly string[],
): Promise<WeightIndex> {
  const ranges = new Map<string, FileRange>();
  for (const name of models) {
    const graph = decodeModel(await Deno.readFile(`${folder}/${name}`));
    for (const { file } of graph.initializers.values()) {
      if (file) ranges.set(`${file.path}:${file.offset}`, file);
    }
  }
  const index = new Map<string, FileRange>();
  for (const { path, offset, length } of ranges.values()) {
    const file = { path: `${folder}/${path}`, offset, length };
    const bytes = readRange(file.path, {
      begin: offset,
      end: offset + length,
    });
    index.set(sha256(bytes), file);
  }
  return index;
}

/** The graphs, with tensors that the index has replaced by references to its files. */
export function readingFrom(
  index: WeightIndex,
  graphs: Readonly<Record<string, Graph>>,
): Record<string, Graph> {
  const hashes = new Map<Tensor, string>();
  const hashOf = (data: Tensor) =>
    hashes.getOrInsertComputed(data, () => sha256(bytesOf(data.data)));
  const relocated = (graph: Graph): Graph =>
    withInitializers(graph, (initializer) => {
      const { data, ...rest } = initializer;
      const file = data && index.get(hashOf(data));
      return file ? { ...rest, file } : initializer;
    });
  return Object.fromEntries(
    Object.entries(graphs).map(([name, graph]) => [name, relocated(graph)]),
  );
}
