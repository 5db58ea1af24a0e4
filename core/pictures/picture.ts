/** Pictures of 8-bit files and of models: `[H, W, C]` bytes, and `[3, H, W]` numbers in [-1, 1]. */
import { describe, float32, type Tensor } from "../tensor/tensor.ts";

/** A picture with its channels last, as files and Pillow keep them. */
export interface Picture<Data extends Uint8Array | Float32Array = Uint8Array> {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** `[H, W, C]` */
  readonly data: Data;
}

/**
 * Decodes a file's bytes to three channels; `path` is for errors.
 *
 * @param upright Whether to turn a JPEG as its camera was held; not by default, as in Pillow.
 * @throws {TypeError} If they are no whole picture of the decoder's kind.
 */
export type DecodePicture = (
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
  upright?: boolean,
) => Picture;

/**
 * Rounds an image to bytes: -1 is 0, 1 is 255, values beyond are clipped.
 *
 * @param image Shape `[3, H, W]`, in [-1, 1].
 * @throws {TypeError} If the tensor has another shape.
 * @throws {RangeError} If a value is not a number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { float32 } from "@dip-go/core/tensor";
 * import { rgbImage } from "@dip-go/core/pictures";
 *
 * const { data } = rgbImage(float32([3, 1, 1], [-1, 0, 1]));
 * assertEquals([...data], [0, 128, 255]);
 * ```
 */
export function rgbImage(image: Tensor<"float32">): Picture {
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
  return { height, width, channels, data };
}

/**
 * The image `[3, H, W]` in [-1, 1] of a picture; {@linkcode rgbImage} gives the same bytes back.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { imageOf } from "@dip-go/core/pictures";
 *
 * const data = Uint8Array.of(0, 51, 255);
 * const { shape } = imageOf({ height: 1, width: 1, channels: 3, data });
 * assertEquals(shape, [3, 1, 1]);
 * ```
 */
export function imageOf(
  { height, width, channels, data }: Picture,
): Tensor<"float32"> {
  const area = height * width;
  const image = new Float32Array(channels * area);
  data.forEach((byte, i) => {
    image[i % channels * area + Math.floor(i / channels)] = byte / 127.5 - 1;
  });
  return float32([channels, height, width], image);
}
