/** Binary PPM and PGM files (netpbm) of 8 bits a channel. */
import type { Picture } from "../picture.ts";

/** White space and comments; a repeated `\s+` here would take exponential time on a damaged header. */
const gap = String.raw`(?:\s|#[^\n\r]*[\n\r])+`;

/** Matches kind, width, height and largest value, and one white space at the end. */
const header = new RegExp(
  `^P([56])${gap}(\\d+)${gap}(\\d+)${gap}(\\d+)\\s`,
);

/** Decodes a file's bytes; grey becomes three equal channels. @throws {TypeError} If the bytes are no whole such file. */
export function decodeNetpbm(bytes: Uint8Array, path: string): Picture {
  const start = String.fromCharCode(...bytes.subarray(0, 1024));
  const [all, kind, ...numbers] = header.exec(start) ?? [];
  const [width, height, most] = numbers.map(Number);
  const stored = kind === "6" ? 3 : 1;
  const values = bytes.subarray(all?.length ?? 0);
  const size = width * height * stored;
  if (!all || most !== 255 || size === 0 || values.length < size) {
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
