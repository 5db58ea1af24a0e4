/** Folders of pictures: every PNG and JPEG file, in the order of their names. */
import { decodePng, type Picture } from "@dip-go/core/pictures";
import { type DecodeJpeg, openJpegDecoder } from "./jpeg.ts";

const isPicture = (name: string) => /\.(png|jpe?g)$/i.test(name);
const isJpeg = (name: string) => /\.jpe?g$/i.test(name);

let jpegDecoder: Promise<DecodeJpeg> | undefined;

/**
 * Names of the pictures in a folder.
 *
 * @throws {Deno.errors.NotFound} If there is no such folder.
 * @throws {TypeError} If it holds no PNG or JPEG file.
 */
export async function pictureNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && isPicture(name)) names.push(name);
  }
  if (names.length > 0) return names.sort();
  throw new TypeError(
    `Cannot read pictures ${folder}: found no PNG or JPEG file, expected at least one`,
  );
}

/**
 * Reads a PNG or JPEG file as three channels of bytes. A JPEG's are libjpeg's, bit for bit.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If it is no PNG of 8 bits a channel, or no whole JPEG.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readPicture } from "@dip-go/eval";
 *
 * const { height, width, channels } = await readPicture("testdata/jpeg/420.jpg");
 * assertEquals([height, width, channels], [17, 23, 3]);
 * ```
 */
export async function readPicture(path: string): Promise<Picture> {
  const bytes = await Deno.readFile(path);
  if (!isJpeg(path)) return decodePng(bytes, path);
  jpegDecoder ??= openJpegDecoder();
  return (await jpegDecoder)(bytes, path);
}

/**
 * The pictures of a folder, one at a time.
 *
 * @throws As {@linkcode pictureNames} and {@linkcode readPicture}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { picturesOf } from "@dip-go/eval";
 *
 * const pictures = await Array.fromAsync(picturesOf("testdata/jpeg"));
 * assertEquals(pictures.length, 6);
 * ```
 */
export async function* picturesOf(folder: string): AsyncGenerator<Picture> {
  for (const name of await pictureNames(folder)) {
    yield await readPicture(`${folder}/${name}`);
  }
}
