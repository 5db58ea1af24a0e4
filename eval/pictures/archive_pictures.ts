/** Pictures in one file, as guided-diffusion's scripts write samples: `arr_0` of an `.npz`, `[N, H, W, 3]` bytes. */
import type { Picture } from "@dip-go/core/pictures";
import {
  type NpyHeader,
  npyHeader,
  unpackedArray,
} from "../metrics/sets/npz.ts";

const arrayName = "arr_0";

/** The most bytes of an array's header. */
const longestHeader = 1024;

/**
 * Yields the pictures of a file, one at a time.
 *
 * @throws As `unpackedArray`.
 * @throws {TypeError} If the array is of another type or shape, or cut off.
 */
export async function* archivePictures(
  path: string,
): AsyncGenerator<Picture> {
  const refuse = (found: string): never => {
    throw new TypeError(`Cannot read pictures ${path}: ${found}`);
  };
  let header: NpyHeader | undefined;
  let given = 0;
  let rest = new Uint8Array();
  for await (const chunk of unpackedArray(path, arrayName)) {
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
