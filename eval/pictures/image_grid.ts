/** Draws samples of several methods side by side: a labelled row for each method, a column for each sample. */

import { describe, sameShape, type Tensor } from "@dip-go/core/tensor";
import { glyphAdvance, glyphHeight, inkedPixels } from "./bitmap_font.ts";
import { type Picture, rgbImage } from "@dip-go/core/pictures";

/** One row of a grid. */
export interface GridRow {
  /** The text left of the images, drawn in capitals. */
  label: string;
  /** Images `[3, H, W]` in [-1, 1], all of one size. */
  images: readonly Tensor<"float32">[];
}

const gutter = 4;
const fontZoom = 2;

/**
 * Draws a grid on white. Rows may differ in length; a short one ends early.
 *
 * @param options `zoom`: each pixel becomes `zoom` x `zoom` pixels; 1 by default.
 * @throws {TypeError} If there is no image or their shapes differ.
 * @throws {RangeError} If `zoom` is no positive whole number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { zeros } from "@dip-go/core/tensor";
 * import { imageGrid } from "@dip-go/eval";
 *
 * const images = [zeros([3, 24, 24]), zeros([3, 24, 24])];
 * const { height } = imageGrid([{ label: "full", images }], { zoom: 2 });
 * assertEquals(height, 4 + 2 * 24 + 4);
 * ```
 */
export function imageGrid(
  rows: readonly GridRow[],
  { zoom = 1 }: { zoom?: number } = {},
): Picture {
  if (!Number.isInteger(zoom) || zoom < 1) {
    throw new RangeError(
      `Cannot draw an image grid: zoom is ${zoom}, expected a whole number of at least 1`,
    );
  }
  const [, H, W] = commonShape(rows);
  const columns = Math.max(...rows.map(({ images }) => images.length));
  const labels = Math.max(...rows.map(({ label }) => [...label].length));
  const left = gutter + (labels && gutter + labels * glyphAdvance * fontZoom);
  const cellHeight = Math.max(H * zoom, glyphHeight * fontZoom);
  const canvas = blank(
    left + columns * (W * zoom + gutter),
    gutter + rows.length * (cellHeight + gutter),
  );
  rows.forEach(({ label, images }, row) => {
    const y = gutter + row * (cellHeight + gutter);
    const textY = y + Math.floor((cellHeight - glyphHeight * fontZoom) / 2);
    drawImage(canvas, lettered(label), { x: gutter, y: textY, zoom: fontZoom });
    images.forEach((image, column) => {
      const x = left + column * (W * zoom + gutter);
      drawImage(canvas, rgbImage(image), { x, y, zoom });
    });
  });
  return canvas;
}

/** Enlarges each pixel of a picture to `zoom` x `zoom` pixels. */
export function enlarged(picture: Picture, zoom: number): Picture {
  const canvas = blank(picture.width * zoom, picture.height * zoom);
  drawImage(canvas, picture, { x: 0, y: 0, zoom });
  return canvas;
}

function commonShape(rows: readonly GridRow[]): readonly number[] {
  const [first, ...others] = rows.flatMap(({ images }) => images);
  if (!first) {
    throw new TypeError(
      `Cannot draw an image grid: ${rows.length} rows hold no image, expected at least one`,
    );
  }
  const odd = others.find(({ shape }) => !sameShape(shape, first.shape));
  if (odd) {
    throw new TypeError(
      `Cannot draw an image grid: an image is ${
        describe(odd)
      }, expected the first one's ${describe(first)}`,
    );
  }
  return first.shape;
}

function blank(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3).fill(255);
  return { height, width, channels: 3, data };
}

/** A line of text, black on white. */
function lettered(text: string): Picture {
  const canvas = blank([...text].length * glyphAdvance, glyphHeight);
  for (const [x, y] of inkedPixels(text)) {
    const at = 3 * (y * canvas.width + x);
    canvas.data.fill(0, at, at + 3);
  }
  return canvas;
}

/** Draws a picture with its corner at (x, y), each of its pixels `zoom` pixels wide. */
function drawImage(
  canvas: Picture,
  { width, height, data }: Picture,
  { x, y, zoom }: { x: number; y: number; zoom: number },
): void {
  for (let row = 0; row < height * zoom; row++) {
    for (let column = 0; column < width * zoom; column++) {
      const from = Math.floor(row / zoom) * width + Math.floor(column / zoom);
      const to = (y + row) * canvas.width + x + column;
      canvas.data.set(data.subarray(3 * from, 3 * from + 3), 3 * to);
    }
  }
}
