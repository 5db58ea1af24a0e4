/** NumPy's archives of arrays, in which reference statistics of FIDs are published. */
import { crc32 } from "node:zlib";
import { unzipSync } from "fflate";
import { zipChecksum } from "./zip_checksum.ts";

/** An array of numbers. */
export interface NumpyArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const magic = "\x93NUMPY";

/** Readers of the kinds of numbers, by NumPy's names for them. */
const kinds: Readonly<
  Record<string, { bytes: number; at: (view: DataView, i: number) => number }>
> = {
  "<f4": { bytes: 4, at: (view, i) => view.getFloat32(i, true) },
  "<f8": { bytes: 8, at: (view, i) => view.getFloat64(i, true) },
  "<i4": { bytes: 4, at: (view, i) => view.getInt32(i, true) },
  "<i8": { bytes: 8, at: (view, i) => Number(view.getBigInt64(i, true)) },
};

/**
 * The arrays of an `.npz` file by name. Format: NEP 1.
 *
 * @param wanted Whether to unpack the array of a name; the published batches of pictures take gigabytes.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If it is no zip archive, or an array is of Python objects, strings or another order; the message names the array.
 */
export async function readNpz(
  path: string,
  wanted: (name: string) => boolean = () => true,
): Promise<Map<string, NumpyArray>> {
  const bytes = await Deno.readFile(path);
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, {
      filter: ({ name }) => wanted(arrayName(name)),
    });
  } catch (cause) {
    throw new TypeError(
      `Cannot read ${path}: it is no sound zip archive (${
        (cause as Error).message
      })`,
      { cause },
    );
  }
  const arrays = new Map<string, NumpyArray>();
  for (const [name, content] of Object.entries(entries)) {
    if (crc32(content) !== await zipChecksum(path, name)) {
      throw new TypeError(
        `Cannot read ${path}: ${name} is damaged, its checksum is another`,
      );
    }
    arrays.set(arrayName(name), arrayOf(content, `${path}: ${name}`));
  }
  return arrays;
}

const arrayName = (file: string): string => file.replace(/\.npy$/, "");

function arrayOf(bytes: Uint8Array, where: string): NumpyArray {
  const { begin, type, shape } = npyHeader(bytes, where);
  const kind = kinds[type];
  if (!kind) {
    throw new TypeError(
      `Cannot read ${where}: its type is ${type}, expected one of ${
        Object.keys(kinds).join(", ")
      }`,
    );
  }
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (bytes.length - begin !== size * kind.bytes) {
    throw new TypeError(
      `Cannot read ${where}: it has ${
        bytes.length - begin
      } bytes, expected ${size} numbers of ${kind.bytes}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = Float64Array.from(
    { length: size },
    (_, i) => kind.at(view, begin + i * kind.bytes),
  );
  return { shape, data };
}

/** What an array's file says before its numbers. */
export interface NpyHeader {
  /** Where the numbers begin. */
  readonly begin: number;
  /** NumPy's name for their type, "<f4". */
  readonly type: string;
  readonly shape: readonly number[];
}

/**
 * Reads the header of an `.npy` file, which is its first bytes.
 *
 * @param where The file, for errors.
 * @throws {TypeError} If it is none, cut off, or of numbers in another order.
 */
export function npyHeader(bytes: Uint8Array, where: string): NpyHeader {
  const refuse = (what: string): never => {
    throw new TypeError(`Cannot read ${where}: ${what}`);
  };
  const text = (from: number, to: number) =>
    String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 6) !== magic) refuse("it is no array of NumPy's");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isShort = bytes[6] === 1;
  const start = isShort ? 10 : 12;
  if (bytes.length < start) refuse("its header is cut short");
  const begin = start +
    (isShort ? view.getUint16(8, true) : view.getUint32(8, true));
  if (begin > bytes.length) refuse("its header is cut short");
  const header = text(start, begin);
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? "none";
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (dims === undefined || !/'fortran_order':\s*False/.test(header)) {
    return refuse("it has no shape, or its columns come first");
  }
  const shape = dims.split(",").map((dim) => dim.trim())
    .filter((dim) => dim !== "").map(Number);
  return { begin, type, shape };
}
