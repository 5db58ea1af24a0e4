/**
 * safetensors files: opened by their header alone, read tensor by tensor, and
 * written whole. The byte ranges are what ONNX external data points at.
 */
import type { Tensor } from "../tensor.ts";
import {
  parseSafetensorsHeader,
  safetensorsBytes,
  type SafetensorsDType,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from "./safetensors_header.ts";
import {
  decodeStored,
  encodeStored,
  type FloatStorage,
  storedDType,
  widenToFloat32,
} from "./safetensors_values.ts";

/** The longest header that is read: 100 MB, as in the reference implementation. */
const HEADER_LIMIT = 100_000_000;

/** A file whose header was checked. It holds no open handle. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  /**
   * One tensor, read from its byte range. BF16 becomes float32, exactly; the rest keep their dtype.
   *
   * @throws {RangeError} If there is no such tensor, or the file got shorter.
   * @throws {TypeError} If its dtype has no counterpart here.
   */
  read(name: string): Promise<Tensor>;
  /** `read` without a promise. */
  readSync(name: string): Tensor;
  /**
   * One F32, F16 or BF16 tensor in float32, exactly.
   *
   * @throws {RangeError} As `read`.
   * @throws {TypeError} If its dtype is another one.
   */
  readFloat32(name: string): Promise<Tensor<"float32">>;
  /** `readFloat32` without a promise. */
  readFloat32Sync(name: string): Tensor<"float32">;
}

/**
 * Opens a safetensors file: reads and checks its header, and no more.
 *
 * @throws {TypeError} If the header is not of the format's form.
 * @throws {RangeError} If a length or offset does not fit the file.
 */
export function openSafetensors(path: string): SafetensorsFile {
  const header = readHeader(path);
  const locate = (name: string) => entryOf(header, { path, name });
  const decode = (name: string, bytes: Uint8Array<ArrayBuffer>) =>
    decodeStored({ ...locate(name), bytes }, originOf(path, name));
  const widen = (name: string, values: Tensor) =>
    widenToFloat32(values, originOf(path, name));

  return {
    ...header,
    path,
    async read(name) {
      return decode(name, await readRange(path, locate(name)));
    },
    readSync(name) {
      return decode(name, readRangeSync(path, locate(name)));
    },
    async readFloat32(name) {
      return widen(name, await this.read(name));
    },
    readFloat32Sync(name) {
      return widen(name, this.readSync(name));
    },
  };
}

function originOf(path: string, name: string): string {
  return `tensor "${name}" of ${path}`;
}

function entryOf(
  { tensors }: SafetensorsHeader,
  { path, name }: { readonly path: string; readonly name: string },
): SafetensorsEntry {
  const entry = tensors.get(name);
  if (entry) return entry;
  throw new RangeError(
    `Cannot read ${
      originOf(path, name)
    }: found none of that name among ${tensors.size}`,
  );
}

function readHeader(path: string): SafetensorsHeader {
  const fileSize = Deno.statSync(path).size;
  if (fileSize < 8) {
    throw new RangeError(
      `Cannot open ${path}: it has ${fileSize} bytes, expected at least 8`,
    );
  }
  const prefix = readRangeSync(path, { begin: 0, end: 8 });
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  const limit = Math.min(fileSize - 8, HEADER_LIMIT);
  if (length > limit) {
    throw new RangeError(
      `Cannot open ${path}: header length is ${length}, expected at most ${limit}`,
    );
  }
  const end = 8 + Number(length);
  const bytes = readRangeSync(path, { begin: 8, end });
  return parseSafetensorsHeader(bytes, { path, fileSize });
}

/** Bytes `begin` to `end` of a file. */
interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

async function readRange(path: string, { begin, end }: ByteRange) {
  const bytes = new Uint8Array(end - begin);
  using file = await Deno.open(path);
  await file.seek(begin, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < bytes.length) {
    filled += await file.read(bytes.subarray(filled)) ??
      throwTruncated(path, { begin: begin + filled, end });
  }
  return bytes;
}

function readRangeSync(path: string, { begin, end }: ByteRange) {
  const bytes = new Uint8Array(end - begin);
  using file = Deno.openSync(path);
  file.seekSync(begin, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < bytes.length) {
    filled += file.readSync(bytes.subarray(filled)) ??
      throwTruncated(path, { begin: begin + filled, end });
  }
  return bytes;
}

function throwTruncated(path: string, { begin, end }: ByteRange): never {
  throw new RangeError(
    `Cannot read ${path}: it ends at byte ${begin}, expected ${end}`,
  );
}

/** How to write a file. */
export interface SafetensorsOptions {
  /** Free strings, written into the header. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What float32 and float16 tensors are stored as; by default as they are. Narrowing rounds to nearest even. */
  readonly dtype?: FloatStorage;
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
  const header = encodeHeader(layout, options.metadata);
  if (header.length > HEADER_LIMIT) {
    throw new RangeError(
      `Cannot write ${path}: its header has ${header.length} bytes, expected at most ${HEADER_LIMIT}`,
    );
  }
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeParts(temporary, partsOf(header, layout));
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {}); // it may not exist yet
    throw new Error(`Cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A tensor and where it goes, from the start of the data. */
interface Placed {
  readonly name: string;
  readonly tensor: Tensor;
  readonly dtype: SafetensorsDType;
  readonly begin: number;
  readonly end: number;
}

/** Widest elements first, so that each is aligned; by name among equals. */
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
    end += tensor.data.length * widthOf(tensor);
    return { name, tensor, dtype: storedDType(tensor, floats), begin, end };
  });
}

/** Length and JSON, padded with spaces so that the data begins at a multiple of 8. */
function encodeHeader(
  layout: readonly Placed[],
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  const sorted = metadata &&
    Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([
    ...(sorted ? [["__metadata__", Object.fromEntries(sorted)]] : []),
    ...layout.map(({ name, tensor, dtype, begin, end }) => [
      name,
      { dtype, shape: tensor.shape, data_offsets: [begin, end] },
    ]),
  ])));
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

/** One at a time: only one tensor's converted bytes are in memory. */
function* partsOf(header: Uint8Array, layout: readonly Placed[]) {
  yield header;
  for (const { tensor, dtype } of layout) yield encodeStored(tensor, dtype);
}

async function writeParts(path: string, parts: Iterable<Uint8Array>) {
  using file = await Deno.open(path, { write: true, createNew: true });
  for (const part of parts) {
    let written = 0;
    while (written < part.length) {
      written += await file.write(part.subarray(written));
    }
  }
}
