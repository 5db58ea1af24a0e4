/** Prepares pictures for networks like torchvision and transformers: resizes the shorter side, cuts the middle out. */
import {
  type Picture,
  pilResize,
  type ResizeFilter,
} from "@dip-go/core/pictures";

/** Resizes a picture to `side` pixels on its shorter side; the longer side is rounded down. */
export function withShorterSide(
  picture: Picture,
  side: number,
  filter: ResizeFilter,
): Picture {
  const scaled = (size: number) =>
    Math.trunc(side * size / Math.min(picture.height, picture.width));
  const to = { height: scaled(picture.height), width: scaled(picture.width) };
  return pilResize(picture, to, filter);
}

/** Cuts the middle out of a picture. @param round Rounds half of a margin, the part before the middle. */
export function middleOf(
  { channels, data, ...whole }: Picture,
  { height, width }: Pick<Picture, "height" | "width">,
  round: (half: number) => number,
): Picture {
  const top = round((whole.height - height) / 2);
  const left = round((whole.width - width) / 2);
  const cut = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * whole.width + left) * channels;
    const row = data.subarray(start, start + width * channels);
    cut.set(row, y * width * channels);
  }
  return { height, width, channels, data: cut };
}
