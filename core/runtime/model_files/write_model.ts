/**
 * A graph as a folder that any ONNX Runtime opens: `model.onnx` and, beside it,
 * its weights as external data, each once. Small constants stay in the model.
 */
import { readRange } from "../../files/byte_range.ts";
import { bytesOf, bytesPerElement, sizeOf } from "../../tensor/tensor.ts";
import { writeAtomically, writeParts } from "../../files/write_atomically.ts";
import {
  type FileRange,
  type Graph,
  type Initializer,
  withInitializers,
} from "../../onnx/graph.ts";
import { briefNames } from "../../onnx/file/brief_names.ts";
import { leastOpset, withOlderGelu } from "../../onnx/file/least_opset.ts";
import { encodeModel, isExternal } from "../../onnx/file/model_proto.ts";
import { weightFiles } from "./external_weights.ts";

/** From this size on, in bytes, tensors in memory become external data. */
const externalFrom = 1024;
/** The most bytes of a weight file by default: many file systems and all browsers' buffers end there. */
const usualLargest = 2 ** 31 - 1;
/** Alignments of tensors in bytes, so that they can be mapped: `page` for large tensors, else `vector`. */
const page = 4096;
const vector = 64;
/** From this size on, in bytes, tensors begin at pages; with smaller ones, gaps would fill much of the file. */
const pagedFrom = 16 * page;
/** The number of bytes that are copied at a time. */
const chunk = 2 ** 26;

/** Options of {@linkcode writeModels}. */
export interface WriteModelOptions {
  /** Key-value pairs for the files' `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Whether weight files are hard-linked, not copied (default false): no disk space, but one filesystem. */
  readonly link?: boolean;
  /** The most bytes of a weight file; 2 GiB - 1 by default. */
  readonly largestFile?: number;
}

/** The files that were written: their names in the folder, and their size. */
export interface WrittenModel {
  readonly models: readonly string[];
  readonly weights: readonly string[];
  /** The size of all files but linked ones. */
  readonly bytes: number;
}

/**
 * Writes graphs that share their weights: initializers with the same data or byte
 * range are written once. Each file is whole or absent; the models are written
 * last.
 *
 * @param graphs The graphs by the names of their files, such as `model.onnx`.
 * @throws {RangeError} If an initializer has no data, or is larger than a weight file may be.
 * @throws {Error} If a file cannot be written or linked.
 */
export async function writeModels(
  folder: string,
  graphs: Readonly<Record<string, Graph>>,
  { metadata, link = false, largestFile = usualLargest }: WriteModelOptions =
    {},
): Promise<WrittenModel> {
  await Deno.mkdir(folder, { recursive: true });
  const all = Object.values(graphs)
    .flatMap(({ initializers }) => [...initializers.values()]);
  const links = link ? await linkWeights(folder, all) : new Map();
  const own = all.filter((each) =>
    !(isExternal(each) && links.has(each.file.path))
  );
  const places = placed(own, largestFile);
  let bytes = 0;
  const files = Map.groupBy(places.values(), ({ place }) => place.path);
  for (const [name, tensors] of files) {
    await writeParts(`${folder}/${name}`, weightParts(tensors));
    bytes += tensors.reduce((sum, { place }) => sum + place.length, 0);
  }
  for (const [name, graph] of Object.entries(graphs)) {
    const portable = briefNames(withOlderGelu(relocated(graph, places)));
    const model = encodeModel(portable, {
      metadata,
      opset: leastOpset(portable),
      externalLocation: (path) => links.get(path) ?? path,
    });
    await writeAtomically(`${folder}/${name}`, model);
    bytes += model.length;
  }
  return {
    models: Object.keys(graphs),
    weights: [...files.keys(), ...links.values()],
    bytes,
  };
}

/** Makes hard links in the folder to every weight file; returns their names by the files' paths. */
async function linkWeights(
  folder: string,
  initializers: readonly Initializer[],
): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const path of weightFiles(initializers)) {
    const name = `linked-${links.size}.safetensors`;
    await linkOver(path, `${folder}/${name}`);
    links.set(path, name);
  }
  return links;
}

async function linkOver(path: string, link: string): Promise<void> {
  const temporary = `${link}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.link(await Deno.realPath(path), temporary);
    await Deno.rename(temporary, link);
  } catch (cause) {
    throw new Error(
      `Cannot link ${link} to ${path}: ${
        (cause as Error).message
      }; without links the weights are copied`,
      { cause },
    );
  }
}

/** A tensor's bytes and the place in a weight file that they get. */
interface Placed {
  readonly initializer: Initializer;
  readonly place: FileRange;
}

/** The identity of an initializer: its data, or its place in a file. */
const identity = ({ data, file }: Initializer): unknown =>
  data ?? (file && `${file.path}:${file.offset}`);

/** The places of the initializers that do not stay in their models, by {@linkcode identity}. */
function placed(
  initializers: readonly Initializer[],
  largestFile: number,
): Map<unknown, Placed> {
  const places = new Map<unknown, Placed>();
  let [file, end] = [0, 0];
  for (const initializer of initializers) {
    const { name, dtype, shape, data } = initializer;
    const source = data ? undefined : initializer.file;
    const length = source?.length ?? sizeOf(shape) * bytesPerElement[dtype];
    const key = identity(initializer);
    const stays = data && length < externalFrom;
    if (stays || key === undefined || places.has(key)) continue;
    if (length > largestFile) {
      throw new RangeError(
        `Cannot write weight "${name}": it has ${length} bytes, expected at most ${largestFile}, a weight file's size`,
      );
    }
    let offset = aligned(end, length);
    if (offset + length > largestFile) [file, offset] = [file + 1, 0];
    end = offset + length;
    places.set(key, {
      initializer,
      place: { ...source, path: weightName(file), offset, length },
    });
  }
  return places;
}

const weightName = (i: number): string =>
  i === 0 ? "weights.bin" : `weights-${i}.bin`;

function aligned(offset: number, length: number): number {
  const step = length >= pagedFrom ? page : vector;
  return Math.ceil(offset / step) * step;
}

const relocated = (
  graph: Graph,
  places: ReadonlyMap<unknown, Placed>,
): Graph =>
  withInitializers(graph, (initializer) => {
    const found = places.get(identity(initializer));
    return found
      ? { ...initializer, data: undefined, file: found.place }
      : initializer;
  });

/** The bytes of a weight file; its tensors are in the order of their places. */
function* weightParts(tensors: readonly Placed[]) {
  let end = 0;
  for (const { initializer: { data, file }, place } of tensors) {
    yield new Uint8Array(place.offset - end);
    if (data) yield bytesOf(data.data);
    else yield* rangeParts(file!);
    end = place.offset + place.length;
  }
}

function* rangeParts({ path, offset, length }: FileRange) {
  for (let begin = offset; begin < offset + length; begin += chunk) {
    const end = Math.min(begin + chunk, offset + length);
    yield readRange(path, { begin, end });
  }
}
