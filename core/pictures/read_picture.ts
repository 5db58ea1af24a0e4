/** Picture files of every supported kind, told by their first bytes as in Pillow, not by their names. */
import { decodeBmp } from "./formats/bmp.ts";
import { openJpegDecoder } from "./formats/jpeg.ts";
import { decodeNetpbm } from "./formats/netpbm.ts";
import { openWebpDecoder } from "./formats/webp.ts";
import type { DecodePicture, Picture } from "./picture.ts";
import { decodePng } from "./png.ts";

/** One kind of picture file. */
interface Kind {
  /** Matches the beginning of a file, as Latin-1. */
  readonly magic: RegExp;
  /** Starts the decoder, which may take a while. */
  readonly open: () => DecodePicture | Promise<DecodePicture>;
}

const kinds: readonly Kind[] = [
  { magic: /^\x89PNG\r\n/, open: () => decodePng },
  { magic: /^\xff\xd8\xff/, open: openJpegDecoder },
  { magic: /^RIFF....WEBP/s, open: openWebpDecoder },
  { magic: /^BM/, open: () => decodeBmp },
  { magic: /^P[56]\s/, open: () => decodeNetpbm },
];

const readNames = /\.(png|jpe?g|jpe|jfif|webp|bmp|ppm|pgm)$/i;
const otherNames = /\.(gif|tiff?|avif|hei[cf]|jxl|jp2|ico|tga|dds|psd)$/i;

/** Whether a file's name says that it is a picture of a kind that {@linkcode readPicture} reads. */
export const isPictureName = (name: string): boolean => readNames.test(name);

/** Whether a file's name says that it is a picture of another kind. */
export const isOtherPictureName = (name: string): boolean =>
  otherNames.test(name);

const open = new Map<Kind, Promise<DecodePicture>>();

/**
 * Reads a PNG, JPEG, WebP, BMP or binary PPM or PGM file as three channels of
 * bytes, equal to Pillow's `convert("RGB")`.
 *
 * @param options.upright Whether a JPEG is turned as its camera was held (EXIF), as diffusers' `load_image` does; not by default.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the file is of another kind, damaged, or has more than 8 bits a channel.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readPicture } from "@dip-go/core/pictures";
 *
 * const { height, width, channels } = await readPicture("testdata/jpeg/420.jpg");
 * assertEquals([height, width, channels], [17, 23, 3]);
 * ```
 */
export async function readPicture(
  path: string,
  { upright = false }: { readonly upright?: boolean } = {},
): Promise<Picture> {
  const bytes = await Deno.readFile(path);
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const kind = kinds.find(({ magic }) => magic.test(start));
  if (!kind) {
    throw new TypeError(
      `Cannot read picture ${path}: it begins with ${
        JSON.stringify(start.slice(0, 8))
      }, expected a PNG, JPEG, WebP, BMP, PPM or PGM file; convert it to PNG`,
    );
  }
  try {
    const decode = await open.getOrInsertComputed(
      kind,
      () => Promise.resolve(kind.open()),
    );
    return decode(bytes, path, upright);
  } catch (error) {
    open.delete(kind); // damaged bytes may have damaged the decoder
    throw error;
  }
}
