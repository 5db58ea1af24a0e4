/** Pictures made ready for networks, as torchvision and transformers do it: the shorter side brought to a size, then the middle cut out. */
import {
  type Picture,
  pilResize,
  type ResizeFilter,
} from "@dip-go/core/pictures";

/** A picture whose shorter side has `side` pixels, the other as many whole ones. */
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

/** The middle of a picture. @param round Rounds the half of a margin that lies before it. */
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
