/** Images in [-1, 1] as PNG files (ISO/IEC 15948), 8-bit RGB, with text chunks that say how they were made. */

import { encode } from "fast-png";
import { writeAtomically } from "../files/write_atomically.ts";
import { describe, type Tensor } from "../tensor/tensor.ts";

/** Pixels in reading order, three bytes a pixel: `[H, W, 3]`. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * Rounds an image to bytes: -1 is 0, 1 is 255, values beyond are clipped.
 *
 * @param image Shape `[3, H, W]`, in [-1, 1].
 * @throws {TypeError} If the tensor has another shape.
 * @throws {RangeError} If a value is not a number.
 */
export function rgbImage(image: Tensor<"float32">): RgbImage {
  const [channels, height, width] = image.shape;
  if (image.shape.length !== 3 || channels !== 3) {
    throw new TypeError(
      `Cannot make an RGB image: found ${
        describe(image)
      }, expected float32[3,H,W]`,
    );
  }
  const at = image.data.findIndex(Number.isNaN);
  if (at >= 0) {
    throw new RangeError(
      `Cannot make an RGB image: element ${at} of ${
        describe(image)
      } is NaN, expected a number in [-1, 1]`,
    );
  }
  const area = height * width;
  const data = Uint8Array.from({ length: 3 * area }, (_, i) => {
    const value = image.data[i % 3 * area + Math.floor(i / 3)];
    return Math.round((Math.min(1, Math.max(-1, value)) + 1) / 2 * 255);
  });
  return { width, height, data };
}

/**
 * Writes a PNG, whole or not at all.
 *
 * @param text Text chunks: Latin-1 values by keyword of 1 to 79 characters.
 */
export async function writePng(
  path: string,
  { image, text = {} }: { image: RgbImage; text?: Record<string, string> },
): Promise<void> {
  await writeAtomically(path, encode({ ...image, channels: 3, text }));
}

/** A PNG as a `data:` URI, for a page that must not load anything. */
export function pngDataUri(image: RgbImage): string {
  const bytes = encode({ ...image, channels: 3 });
  return `data:image/png;base64,${bytes.toBase64()}`;
}
