/**
 * Makes Inception's input from pictures, by the conventions of published FIDs.
 * Conventions differ by tenths to whole points of FID, so a FID names its own.
 */
import { inceptionSize } from "./inception.ts";
import { float32, roundHalfEven, type Tensor } from "@dip-go/core/tensor";
import { type Picture, pilResizeFloat } from "@dip-go/core/pictures";
import { middleOf, withShorterSide } from "../../../pictures/middle_of.ts";

/** The side in pixels to which DiP-GO's companion code resizes pictures first. */
const companionSide = 512;

const conventions = {
  /** pytorch-fid: bilinear without antialiasing, as PyTorch interpolates. */
  "pytorch-fid": (picture: Picture): Float32Array =>
    interpolated(picture, betweenCentres).map((x) => 2 * x / 255 - 1),

  /** clean-fid (Parmar et al., 2022): Pillow's bicubic in float, clipped; centre and scale are 128. */
  "clean-fid": ({ height, width, channels, data }: Picture): Float32Array => {
    const size = { height: inceptionSize, width: inceptionSize };
    const picture = { height, width, channels, data: Float32Array.from(data) };
    return pilResizeFloat(picture, size, "bicubic").data
      .map((x) => (Math.min(Math.max(x, 0), 255) - 128) / 128);
  },

  /** ADM's evaluator (Dhariwal and Nichol, 2021), as TensorFlow's of 2015: bilinear between pixel corners; centre, scale 128. */
  adm: (picture: Picture): Float32Array =>
    interpolated(picture, betweenCorners).map((x) => (x - 128) / 128),

  /** DiP-GO's companion code: Pillow's bilinear to 512 pixels and a crop, then pytorch-fid. */
  companion(picture: Picture): Float32Array {
    const resized = withShorterSide(picture, companionSide, "bilinear");
    const square = { height: companionSide, width: companionSide };
    const middle = middleOf(resized, square, roundHalfEven);
    return conventions["pytorch-fid"](middle);
  },
};

export type FidConvention = keyof typeof conventions;

/** The conventions in the order of the help texts. */
export const fidConventions = Object.keys(
  conventions,
) as readonly FidConvention[];

/** The input `[1, 3, 299, 299]` for a picture `[H, W, 3]`. */
export function inceptionInput(
  picture: Picture,
  convention: FidConvention,
): Tensor<"float32"> {
  const pixels = conventions[convention](picture);
  const plane = inceptionSize ** 2;
  const data = new Float32Array(3 * plane);
  pixels.forEach((value, i) => {
    data[(i % 3) * plane + Math.floor(i / 3)] = value;
  });
  return float32([1, 3, inceptionSize, inceptionSize], data);
}

/** Maps one of 299 positions to its place among the pixels of a side. */
type Place = (i: number, size: number) => number;

const betweenCentres: Place = (i, size) =>
  Math.max((i + 0.5) * size / inceptionSize - 0.5, 0);

const betweenCorners: Place = (i, size) => i * size / inceptionSize;

/** Interpolates a picture bilinearly to 299x299 pixels, `[H, W, C]`. */
function interpolated(
  { height, width, channels, data }: Picture,
  place: Place,
): Float32Array {
  const rows = neighbours(height, place);
  const columns = neighbours(width, place);
  const made = new Float32Array(inceptionSize ** 2 * channels);
  let at = 0;
  for (const [top, bottom, down] of rows) {
    for (const [left, right, across] of columns) {
      for (let c = 0; c < channels; c++) {
        const pixel = (y: number, x: number) =>
          data[(y * width + x) * channels + c];
        const upper = (1 - across) * pixel(top, left) +
          across * pixel(top, right);
        const lower = (1 - across) * pixel(bottom, left) +
          across * pixel(bottom, right);
        made[at++] = (1 - down) * upper + down * lower;
      }
    }
  }
  return made;
}

/** The pixels on either side of each of 299 positions, and the weight of the second pixel. */
function neighbours(
  size: number,
  place: Place,
): [number, number, number][] {
  return Array.from({ length: inceptionSize }, (_, i) => {
    const at = place(i, size);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, size - 1), at - first];
  });
}
