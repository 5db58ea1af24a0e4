/** Reference pictures: every PNG and JPEG file of a folder, in the order of their names. */
import { decode } from "fast-png";
import { type DecodeJpeg, openJpegDecoder } from "./jpeg.ts";
import type { Picture } from "./pil_resize.ts";

const isPicture = (name: string) => /\.(png|jpe?g)$/i.test(name);
const isJpeg = (name: string) => /\.jpe?g$/i.test(name);

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
 * The pictures of a folder, one at a time.
 *
 * @throws {TypeError} As {@linkcode pictureNames}, or if a file is no PNG of 8 bits a channel, or no whole JPEG.
 */
export async function* picturesOf(
  folder: string,
): AsyncGenerator<Picture<Uint8Array>> {
  let decodeJpeg: DecodeJpeg | undefined;
  for (const name of await pictureNames(folder)) {
    const path = `${folder}/${name}`;
    const bytes = await Deno.readFile(path);
    if (isJpeg(name)) {
      decodeJpeg ??= await openJpegDecoder();
      yield decodeJpeg(bytes, path);
    } else yield pngPicture(bytes, path);
  }
}

/** Grey pictures get three equal channels; transparency is left out. */
function pngPicture(bytes: Uint8Array, path: string): Picture<Uint8Array> {
  let png: ReturnType<typeof decode>;
  try {
    png = decode(bytes);
  } catch (cause) {
    throw new TypeError(
      `Cannot read picture ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const { height, width, channels, depth, palette } = png;
  if (depth !== 8) {
    throw new TypeError(
      `Cannot read picture ${path}: it has ${depth} bits a channel, expected 8`,
    );
  }
  const colours = channels < 3 ? [0, 0, 0] : [0, 1, 2];
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const pixel = palette
      ? palette[png.data[i]]
      : colours.map((c) => png.data[i * channels + c]);
    data.set(pixel.slice(0, 3), 3 * i);
  }
  return { height, width, channels: 3, data };
}
