/**
 * Pictures as an autoencoder's input, and masks of the part to draw anew, as
 * diffusers' `VaeImageProcessor` makes them: by Pillow's Lanczos filter.
 */
import type { Picture } from "../../pictures/picture.ts";
import { pilResize } from "../../pictures/pil_resize.ts";
import type { PictureSize } from "../prompts/prompt_encoder.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";

/** Converts an RGB picture to the given size, in [-1, 1]: `[1, 3, H, W]`. */
export function pictureInput(
  picture: Picture,
  size: PictureSize,
): Tensor<"float32"> {
  const { data } = resized(picture, size);
  const area = size.height * size.width;
  const values = new Float32Array(3 * area);
  data.forEach((byte, i) => {
    const plane = i % 3 * area;
    values[plane + Math.floor(i / 3)] = 2 * Math.fround(byte / 255) - 1;
  });
  return float32([1, 3, size.height, size.width], values);
}

/** Converts an RGB mask to the given size: 1 (drawn anew) if a pixel is at least half bright, else 0: `[1, 1, H, W]`. */
export function maskInput(mask: Picture, size: PictureSize): Tensor<"float32"> {
  const { data } = resized(mask, size);
  const values = Float32Array.from(
    { length: size.height * size.width },
    (_, i) => luma(data.subarray(3 * i, 3 * i + 3)) < 127.5 ? 0 : 1,
  );
  return float32([1, 1, size.height, size.width], values);
}

/** Resizes by Pillow's Lanczos filter; along columns first if Pillow 13 does so, as that leaves fewer rows. */
function resized(picture: Picture, to: PictureSize): Picture {
  const fewerRows = picture.height - to.height;
  const fewerColumns = picture.width - to.width;
  const columnsFirst = fewerRows > 0 && fewerRows > 2 * fewerColumns;
  const { width } = picture;
  const first = columnsFirst
    ? pilResize(picture, { ...to, width }, "lanczos")
    : picture;
  return pilResize(first, to, "lanczos");
}

/** The brightness of a pixel by ITU-R 601, rounded as in Pillow. */
const luma = ([red, green, blue]: Uint8Array): number =>
  19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16;

/** A picture whose masked part is grey: `[1, 3, H, W]`. */
export function uncovered(
  { shape, data }: Tensor<"float32">,
  mask: Tensor<"float32">,
): Tensor<"float32"> {
  const area = mask.data.length;
  return float32(shape, data.map((v, i) => v * (1 - mask.data[i % area])));
}

/** A mask at the size of latents, by the nearest pixel up and left of each: `[1, 1, H, W]` → `[1, 1, h, w]`. */
export function maskOfLatents(
  { shape: [, , height, width], data }: Tensor<"float32">,
  to: PictureSize,
): Tensor<"float32"> {
  const values = Float32Array.from({ length: to.height * to.width }, (_, i) => {
    const row = Math.floor(Math.floor(i / to.width) * height / to.height);
    const column = Math.floor(i % to.width * width / to.width);
    return data[row * width + column];
  });
  return float32([1, 1, to.height, to.width], values);
}
