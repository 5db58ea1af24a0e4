/**
 * Pictures as an autoencoder reads them, and masks of what is drawn anew, as
 * diffusers' `VaeImageProcessor` makes them: resized by Pillow's Lanczos filter.
 */
import type { Picture } from "../../pictures/picture.ts";
import { pilResize } from "../../pictures/pil_resize.ts";
import type { PictureSize } from "../prompts/prompt_encoder.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";

/** An RGB picture in [-1, 1], in the given size: `[1, 3, H, W]`. */
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

/** 1 where an RGB mask in the given size is at least half bright, which is drawn anew, else 0: `[1, 1, H, W]`. */
export function maskInput(mask: Picture, size: PictureSize): Tensor<"float32"> {
  const { data } = resized(mask, size);
  const values = Float32Array.from(
    { length: size.height * size.width },
    (_, i) => luma(data.subarray(3 * i, 3 * i + 3)) < 127.5 ? 0 : 1,
  );
  return float32([1, 1, size.height, size.width], values);
}

/** By Pillow's Lanczos filter; along columns first where Pillow 13 does so, as that leaves fewer rows. */
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

/** ITU-R 601's brightness of a pixel, as Pillow rounds it. */
const luma = ([red, green, blue]: Uint8Array): number =>
  19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16;

/** A picture without what a mask covers, which becomes grey: `[1, 3, H, W]`. */
export function uncovered(
  { shape, data }: Tensor<"float32">,
  mask: Tensor<"float32">,
): Tensor<"float32"> {
  const area = mask.data.length;
  return float32(shape, data.map((v, i) => v * (1 - mask.data[i % area])));
}

/** A mask at the size of latents, the nearest pixel up and left of each: `[1, 1, H, W]` → `[1, 1, h, w]`. */
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
