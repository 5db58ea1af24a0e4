/** Reads NumPy's archives of arrays, in which reference statistics for FID are published. */
import { crc32 } from "node:zlib";
import { readRange } from "@dip-go/core/files";
import { sizeOf } from "@dip-go/core/tensor";
import { Unzip, UnzipInflate } from "fflate";

/** The bytes of a file that are read at a time: a published batch of pictures has gigabytes. */
const piece = 4 << 20;

/** Bytes enough for the directory of a few files, the archive's end, and the longest comment. */
const longestTail = 1 << 17;

/** The signatures of an archive's end and of zip64's locator, and the length of zip64's two records before the end. */
const [endMark, end64Mark, end64Length] = ["PK\x05\x06", "PK\x06\x07", 76];

/** An array of numbers. */
export interface NumpyArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const magic = "\x93NUMPY";

/** The readers of number types, by NumPy's names for the types. */
const kinds: Readonly<
  Record<string, { bytes: number; at: (view: DataView, i: number) => number }>
> = {
  "<f4": { bytes: 4, at: (view, i) => view.getFloat32(i, true) },
  "<f8": { bytes: 8, at: (view, i) => view.getFloat64(i, true) },
  "<i4": { bytes: 4, at: (view, i) => view.getInt32(i, true) },
  "<i8": { bytes: 8, at: (view, i) => Number(view.getBigInt64(i, true)) },
};

function refuse(path: string, found: string, cause?: unknown): never {
  throw new TypeError(`Cannot read ${path}: ${found}`, { cause });
}

/**
 * The CRC-32 of each array in an `.npz` file's directory, by name: unpacking alone does not notice a flipped bit.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the file is no zip archive, or cut off.
 */
export async function arrayChecksums(
  path: string,
): Promise<ReadonlyMap<string, number>> {
  const { size } = await Deno.stat(path);
  const begin = Math.max(0, size - longestTail);
  const tail = readRange(path, { begin, end: size });
  const text = new TextDecoder("latin1").decode(tail);
  const view = new DataView(tail.buffer);
  const last = text.lastIndexOf(endMark);
  if (last === -1 || last + 22 > size - begin) {
    refuse(path, "it is no sound zip archive, without an end");
  }
  const records = text.startsWith(end64Mark, last - 20) ? end64Length : 0;
  const sums = new Map<string, number>();
  let at = last - records - view.getUint32(last + 12, true);
  while (at >= 0 && text.startsWith("PK\x01\x02", at)) {
    const [name, ...more] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true)
    );
    const start = at + 46;
    const file = text.slice(start, start + name);
    sums.set(file.replace(/\.npy$/, ""), view.getUint32(at + 16, true));
    at = start + name + more[0] + more[1];
  }
  return sums;
}

/**
 * Unpacks an array's file piece by piece, header and numbers; the last piece alone is empty.
 *
 * @throws {Deno.errors.NotFound} If there is no such archive.
 * @throws {TypeError} If the archive is not sound, or has no such array.
 */
export async function* unpackedArray(
  path: string,
  name: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const expected = (await arrayChecksums(path)).get(name) ??
    refuse(path, `it is no sound zip archive with an ${name}`);
  let ready: Uint8Array<ArrayBuffer>[] = [];
  const unzip = new Unzip((entry) => {
    if (entry.name !== `${name}.npy`) return;
    entry.ondata = (error, chunk, isLast) => {
      if (error) throw error;
      if (chunk.length > 0) ready.push(Uint8Array.from(chunk));
      if (isLast) ready.push(new Uint8Array());
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  using file = await Deno.open(path);
  const buffer = new Uint8Array(piece);
  let found = 0;
  for (let read: number | null = 0; read !== null;) {
    read = await file.read(buffer);
    try {
      unzip.push(buffer.slice(0, read ?? 0), read === null);
    } catch (cause) {
      const why = (cause as Error).message;
      refuse(path, `it is no sound zip archive (${why})`, cause);
    }
    for (const chunk of ready) {
      found = crc32(chunk, found);
      yield chunk;
    }
    ready = [];
  }
  if (found !== expected) refuse(path, `${name} is damaged or cut off`);
}

/**
 * An array of an `.npz` file. Format: NEP 1.
 *
 * @throws {TypeError} If the array is in column order or its type is none of `<f4`, `<f8`, `<i4`, `<i8`, or as {@linkcode unpackedArray}.
 */
export async function readArray(
  path: string,
  name: string,
): Promise<NumpyArray> {
  const pieces = await Array.fromAsync(unpackedArray(path, name));
  return arrayOf(await new Blob(pieces).bytes(), `${path}: ${name}`);
}

function arrayOf(bytes: Uint8Array, where: string): NumpyArray {
  const { begin, type, shape } = npyHeader(bytes, where);
  const kind = kinds[type];
  if (!kind) {
    const names = Object.keys(kinds).join(", ");
    refuse(where, `its type is ${type}, expected one of ${names}`);
  }
  const size = sizeOf(shape);
  const found = bytes.length - begin;
  if (found !== size * kind.bytes) {
    const expected = `${size} numbers of ${kind.bytes}`;
    refuse(where, `it has ${found} bytes, expected ${expected}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = Float64Array.from(
    { length: size },
    (_, i) => kind.at(view, begin + i * kind.bytes),
  );
  return { shape, data };
}

/** The header of an array's file. */
export interface NpyHeader {
  /** The byte at which the numbers begin. */
  readonly begin: number;
  /** NumPy's name for the numbers' type, such as "<f4". */
  readonly type: string;
  readonly shape: readonly number[];
}

/**
 * Reads the header of an `.npy` file, which is its first bytes.
 *
 * @param where The file, for errors.
 * @throws {TypeError} If the bytes are no `.npy` file, cut off, or of an array in column order.
 */
export function npyHeader(bytes: Uint8Array, where: string): NpyHeader {
  const text = (from: number, to: number) =>
    String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 6) !== magic) refuse(where, "it is no array of NumPy's");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isShort = bytes[6] === 1;
  const start = isShort ? 10 : 12;
  if (bytes.length < start) refuse(where, "its header is cut short");
  const begin = start +
    (isShort ? view.getUint16(8, true) : view.getUint32(8, true));
  if (begin > bytes.length) refuse(where, "its header is cut short");
  const header = text(start, begin);
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? "none";
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (dims === undefined || !/'fortran_order':\s*False/.test(header)) {
    refuse(where, "it has no shape, or its columns come first");
  }
  const shape = dims.split(",").map((dim) => dim.trim())
    .filter((dim) => dim !== "").map(Number);
  return { begin, type, shape };
}
