/** What decoders for browsers give, as pictures of three channels. */
import type { Picture } from "../picture.ts";

/** Leaves transparency out. */
export function withoutAlpha(
  { width, height, data: rgba }: ImageData,
): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[3 * i + c] = rgba[4 * i + c];
  }
  return { height, width, channels: 3, data };
}
