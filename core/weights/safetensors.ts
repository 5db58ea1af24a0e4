/** safetensors files: opened by their header alone, read tensor by tensor, and written whole. */
import { unsealed } from "../files/sealed_file.ts";
import { writeParts } from "../files/write_atomically.ts";
import { type ByteRange, readRange } from "../files/byte_range.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import {
  parseSafetensorsHeader,
  safetensorsBytes,
  type SafetensorsDType,
} from "./safetensors_header.ts";
import {
  encodeStored,
  type FloatStorage,
  storedDType,
} from "./safetensors_values.ts";
import { type TensorFile, tensorFile } from "./tensor_file.ts";

/** The longest header that is read: 100 MB, as in the reference implementation. */
const HEADER_LIMIT = 100_000_000;

/** A safetensors file whose header was checked. */
export interface SafetensorsFile extends TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a safetensors file: reads and checks its header, and no more.
 *
 * @throws {TypeError} If the header is not of the format's form.
 * @throws {RangeError} If a length or offset does not fit the file.
 */
export function openSafetensors(path: string): SafetensorsFile {
  const fileSize = Deno.statSync(path).size;
  if (fileSize < 8) {
    throw new RangeError(
      `Cannot open ${path}: it has ${fileSize} bytes, expected at least 8`,
    );
  }
  const prefix = readRange(path, { begin: 0, end: 8 });
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  const limit = Math.min(fileSize - 8, HEADER_LIMIT);
  if (length > limit) {
    throw new RangeError(
      `Cannot open ${path}: header length is ${length}, expected at most ${limit}`,
    );
  }
  const end = 8 + Number(length);
  const bytes = readRange(path, { begin: 8, end });
  const place = { path, fileSize };
  const { tensors, metadata } = parseSafetensorsHeader(bytes, place);
  return { ...tensorFile(path, tensors), metadata };
}

export interface SafetensorsOptions {
  /** Free strings, written into the header. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The storage of float32 and float16 tensors; unchanged by default. Narrowing rounds to nearest even. */
  readonly dtype?: FloatStorage;
  /** Whether the file holds its own hash, for `checkSealed`. */
  readonly sealed?: boolean;
}

/**
 * Writes a safetensors file under a temporary name, then renames it. The same tensors give the same bytes, whatever the map's order.
 *
 * @throws {TypeError} If a tensor is called `__metadata__`.
 * @throws {RangeError} If the header grows past 100 MB.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  options: SafetensorsOptions = {},
): Promise<void> {
  if (tensors.has("__metadata__")) {
    throw new TypeError(
      `Cannot write ${path}: a tensor is called "__metadata__", which the format reserves`,
    );
  }
  const layout = layOut(tensors, options.dtype);
  const header = encodeHeader(layout, options);
  if (header.length > HEADER_LIMIT) {
    throw new RangeError(
      `Cannot write ${path}: its header has ${header.length} bytes, expected at most ${HEADER_LIMIT}`,
    );
  }
  await writeParts(path, partsOf(header, layout), options);
}

/** A tensor, and its byte range from the start of the data. */
interface Placed extends ByteRange {
  readonly name: string;
  readonly tensor: Tensor;
  readonly dtype: SafetensorsDType;
}

/** Places tensors: the widest elements first, so that each is aligned; by name among equals. */
function layOut(
  tensors: ReadonlyMap<string, Tensor>,
  floats: FloatStorage | undefined,
): Placed[] {
  const widthOf = (tensor: Tensor) =>
    safetensorsBytes[storedDType(tensor, floats)];
  const ordered = [...tensors].sort(([nameA, a], [nameB, b]) =>
    widthOf(b) - widthOf(a) || (nameA < nameB ? -1 : 1)
  );
  let end = 0;
  return ordered.map(([name, tensor]) => {
    const begin = end;
    end += sizeOf(tensor.shape) * widthOf(tensor); // its data may be made when it is written
    return { name, tensor, dtype: storedDType(tensor, floats), begin, end };
  });
}

/** The length and the JSON, padded with spaces so that the data begins at a multiple of 8. */
function encodeHeader(
  layout: readonly Placed[],
  { metadata = {}, sealed }: SafetensorsOptions = {},
): Uint8Array {
  const entries = [
    ...sealed ? [["sha256", unsealed]] : [], // near the file's start
    ...Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1),
  ];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([
    ...entries.length > 0
      ? [["__metadata__", Object.fromEntries(entries)]]
      : [],
    ...layout.map(({ name, tensor: { shape }, dtype, begin, end }) => [
      name,
      { dtype, shape, data_offsets: [begin, end] },
    ]),
  ])));
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

/** Yields the header, then one tensor at a time, so that only one's converted bytes are in memory. */
function* partsOf(header: Uint8Array, layout: readonly Placed[]) {
  yield header;
  for (const { tensor, dtype } of layout) yield encodeStored(tensor, dtype);
}
