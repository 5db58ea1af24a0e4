/** PNG files (ISO/IEC 15948) with text chunks that say how a picture was made. */
import { crc32 } from "node:zlib";
import { decode, encode } from "fast-png";
import { writeParts } from "../files/write_atomically.ts";
import type { Picture } from "./picture.ts";

/**
 * Writes a PNG, whole or not at all.
 *
 * @param options `image`: bytes `[H, W, 3]`, such as `rgbImage` makes.
 * `text`: values by keyword of 1 to 79 ASCII characters, in chunks `tEXt`,
 * or `iTXt` (UTF-8) if a value goes beyond Latin-1.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodePng, writePng } from "@dip-go/core/pictures";
 *
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = Uint8Array.of(255, 0, 0, 0, 0, 255);
 * const image = { height: 1, width: 2, channels: 3, data };
 * await writePng(path, { image, text: { seed: "3" } });
 * assertEquals(decodePng(await Deno.readFile(path), path), image);
 * await Deno.remove(path);
 * ```
 */
export async function writePng(
  path: string,
  { image, text = {} }: { image: Picture; text?: Record<string, string> },
): Promise<void> {
  const [latin, wider] = [true, false].map((isLatin) =>
    Object.entries(text).filter(([, value]) => isLatin1(value) === isLatin)
  );
  const png = encode({ ...image, text: Object.fromEntries(latin) });
  const chunks = wider.map(([keyword, value]) => textChunk(keyword, value));
  const end = png.length - 12; // of IEND, which is empty and comes last
  const parts = [png.subarray(0, end), ...chunks, png.subarray(end)];
  await writeParts(path, parts);
}

const isLatin1 = (value: string) => /^[\0-\xff]*$/.test(value);

/** A chunk `iTXt`, uncompressed and without a language. */
function textChunk(keyword: string, value: string): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${value}`);
  const chunk = new Uint8Array(4 + body.length + 4);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return chunk;
}

/** A PNG as a `data:` URI, for a page that must not load anything. */
export const pngDataUri = (image: Picture): string =>
  `data:image/png;base64,${encode(image).toBase64()}`;

/**
 * Decodes a PNG: grey becomes three equal channels, transparency is dropped.
 *
 * @param path The file's path, for errors.
 * @throws {TypeError} If the bytes are no whole PNG of at most 8 bits a channel.
 */
export function decodePng(bytes: Uint8Array, path: string): Picture {
  const refuse = (found: string, cause?: unknown): never => {
    throw new TypeError(`Cannot read picture ${path}: ${found}`, { cause });
  };
  checkHeader(bytes, refuse);
  let png: ReturnType<typeof decode>;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (cause) {
    return refuse((cause as Error).message, cause);
  }
  const { height, width, channels, depth, palette } = png;
  if (depth > 8) refuse(`it has ${depth} bits a channel, expected 8 at most`);
  const brightest = palette ? 1 : 255 / (2 ** depth - 1);
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const at = (channel: number) => valueAt(png, i, channel) * brightest;
    const pixel = palette
      ? palette[at(0)] ?? refuse(`its palette has no colour ${at(0)}`)
      : channels < 3
      ? [at(0), at(0), at(0)]
      : [at(0), at(1), at(2)];
    data.set(pixel.slice(0, 3), 3 * i);
  }
  return { height, width, channels: 3, data };
}

/** The most pixels of a picture, as in Pillow, so that a damaged header does not exhaust the memory. */
const mostPixels = 178_956_970;

/** Checks the header, which comes first, for faults that `fast-png` does not refuse. */
function checkHeader(
  bytes: Uint8Array,
  refuse: (found: string) => never,
): void {
  if (bytes.length < 29) refuse("it is cut off");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width * height > mostPixels) {
    refuse(
      `it has ${width} x ${height} pixels, expected ${mostPixels} at most`,
    );
  }
  const [depth, interlace] = [bytes[24], bytes[28]];
  if (interlace > 0 && depth < 8) {
    refuse(`it is interlaced with ${depth} bits a channel, expected 8`);
  }
}

/** A stored value; values of fewer than 8 bits share bytes, and each row begins with a new byte. */
function valueAt(
  { data, width, channels, depth }: ReturnType<typeof decode>,
  pixel: number,
  channel: number,
): number {
  if (depth === 8) return data[pixel * channels + channel];
  const x = pixel % width;
  const row = Math.floor(pixel / width) * Math.ceil(width * depth / 8);
  const byte = data[row + Math.floor(x * depth / 8)];
  return byte >> 8 - depth - x * depth % 8 & 2 ** depth - 1;
}
