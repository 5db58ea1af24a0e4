/** Pictures in one file, as guided-diffusion's scripts write samples: `arr_0` of an `.npz`, `[N, H, W, 3]` bytes. */
import { crc32 } from "node:zlib";
import { Unzip, UnzipInflate } from "fflate";
import type { Picture } from "@dip-go/core/pictures";
import { type NpyHeader, npyHeader } from "../metrics/sets/npz.ts";
import { zipChecksum } from "../metrics/sets/zip_checksum.ts";

const arrayName = "arr_0";

/** Bytes of the file that are unpacked at a time: a published batch has gigabytes. */
const piece = 4 << 20;

/** The most bytes of an array's header. */
const longestHeader = 1024;

/**
 * The pictures of a file, one at a time.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If it is no sound archive, has no such array, or the array is of another type or shape, or cut off.
 */
export async function* archivePictures(
  path: string,
): AsyncGenerator<Picture> {
  const refuse = (found: string): never => {
    throw new TypeError(`Cannot read pictures ${path}: ${found}`);
  };
  const checksum = await zipChecksum(path, `${arrayName}.npy`) ??
    refuse(`it is no sound zip archive with an ${arrayName}`);
  let found = 0;
  let header: NpyHeader | undefined;
  let given = 0;
  let rest = new Uint8Array();
  for await (const chunk of unpacked(path, refuse)) {
    found = crc32(chunk, found);
    rest = await new Blob([rest, chunk]).bytes();
    if (!header) {
      if (rest.length < longestHeader && chunk.length > 0) continue;
      header = npyHeader(rest, `${path}: ${arrayName}`);
      rest = rest.subarray(header.begin);
      checkHeader(header, refuse);
    }
    const [, height, width, channels] = header.shape;
    const size = height * width * channels;
    for (; rest.length >= size; rest = rest.subarray(size), given++) {
      yield { height, width, channels, data: rest.slice(0, size) };
    }
  }
  const count = header?.shape[0];
  if (found !== checksum) refuse(`${arrayName} is damaged or cut off`);
  if (given !== count) refuse(`it ends after ${given} of ${count} pictures`);
}

function checkHeader(
  { type, shape }: NpyHeader,
  refuse: (found: string) => never,
): void {
  const fits = shape.length === 4 && shape[3] === 3 &&
    shape.every((size) => Number.isSafeInteger(size) && size > 0);
  if (type === "|u1" && fits) return;
  refuse(`${arrayName} is ${type} [${shape}], expected |u1 [N, H, W, 3]`);
}

/** The array's bytes as they are unpacked; an empty piece is the last. */
async function* unpacked(
  path: string,
  refuse: (found: string) => never,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let ready: Uint8Array<ArrayBuffer>[] = [];
  const unzip = new Unzip((entry) => {
    if (entry.name !== `${arrayName}.npy`) return;
    entry.ondata = (error, chunk, isLast) => {
      if (error) throw error;
      ready.push(Uint8Array.from(chunk));
      if (isLast) ready.push(new Uint8Array());
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  using file = await Deno.open(path);
  const buffer = new Uint8Array(piece);
  for (let read: number | null = 0; read !== null;) {
    read = await file.read(buffer);
    try {
      unzip.push(buffer.slice(0, read ?? 0), read === null);
    } catch (cause) {
      refuse(`it is no sound zip archive (${(cause as Error).message})`);
    }
    yield* ready;
    ready = [];
  }
}
