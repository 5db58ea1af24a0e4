/** Binary PPM and PGM files (netpbm) of 8 bits a channel. */
import type { Picture } from "../picture.ts";

/** Matches kind, width, height and largest value, with comments between them, and one white space at the end. */
const header =
  /^P([56])(?:\s+|\s*#[^\n\r]*[\n\r])+(\d+)(?:\s+|\s*#[^\n\r]*[\n\r])+(\d+)(?:\s+|\s*#[^\n\r]*[\n\r])+(\d+)\s/;

/** Decodes a file's bytes; grey becomes three equal channels. @throws {TypeError} If the bytes are no whole such file. */
export function decodeNetpbm(bytes: Uint8Array, path: string): Picture {
  const start = String.fromCharCode(...bytes.subarray(0, 1024));
  const [all, kind, ...numbers] = header.exec(start) ?? [];
  const [width, height, most] = numbers.map(Number);
  const stored = kind === "6" ? 3 : 1;
  const values = bytes.subarray(all?.length ?? 0);
  if (!all || most !== 255 || values.length < width * height * stored) {
    throw new TypeError(
      `Cannot read picture ${path}: found ${
        JSON.stringify(all ?? start.slice(0, 20))
      } and ${values.length} bytes, expected P5 or P6, sizes, 255 and all pixels`,
    );
  }
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => values[stored === 3 ? i : Math.floor(i / 3)],
  );
  return { height, width, channels: 3, data };
}
