/**
 * Decoding in tiles, for pictures that would not fit in memory: overlapping
 * parts of the latents are decoded alone, and their pictures are blended where
 * they overlap. Equal to diffusers' `AutoencoderKL.tiled_decode`, to the pixel.
 */
import { float32, type Tensor, zeros } from "../../tensor/tensor.ts";

/** Square tiles of the latents. */
export interface Tiles {
  /** The side of a tile, in latents. */
  readonly side: number;
  /** Pixels along a side of a latent. */
  readonly factor: number;
}

/** The share of a tile that the next one covers again. */
const overlap = 0.25;

/** Cuts a rectangle out of `[C, H, W]`, clipped at the tensor's ends: `[C, h, w]`. */
function part(
  { shape: [channels, height, width], data }: Tensor<"float32">,
  { top, left, rows, columns }: {
    top: number;
    left: number;
    rows: number;
    columns: number;
  },
): Tensor<"float32"> {
  const [h, w] = [
    Math.min(rows, height - top),
    Math.min(columns, width - left),
  ];
  const out = new Float32Array(channels * h * w);
  for (let row = 0; row < channels * h; row++) {
    const begin = (Math.floor(row / h) * height + top + row % h) * width + left;
    out.set(data.subarray(begin, begin + w), row * w);
  }
  return float32([channels, h, w], out);
}

/** Blends a tile's first lines with the last lines of the tile before, in place. @param axis 1: down, 2: right. */
function blend(
  before: Tensor<"float32">,
  tile: Tensor<"float32">,
  { axis, extent }: { axis: 1 | 2; extent: number },
): void {
  const [channels, height, width] = tile.shape;
  const lines = Math.min(before.shape[axis], tile.shape[axis], extent);
  const across = axis === 1 ? width : height;
  const at = (
    { shape: [, h, w] }: Tensor,
    c: number,
    line: number,
    i: number,
  ) => axis === 1 ? (c * h + line) * w + i : (c * h + i) * w + line;
  for (let c = 0; c < channels; c++) {
    for (let line = 0; line < lines; line++) {
      const share = line / lines;
      const last = before.shape[axis] - lines + line;
      for (let i = 0; i < across; i++) {
        const to = at(tile, c, line, i);
        const from = before.data[at(before, c, last, i)];
        tile.data[to] = from * (1 - share) + tile.data[to] * share;
      }
    }
  }
}

/** Copies a part of a picture into the whole. */
function place(
  whole: Tensor<"float32">,
  { shape: [channels, rows, columns], data }: Tensor<"float32">,
  { top, left }: { top: number; left: number },
): void {
  const [, height, width] = whole.shape;
  for (let row = 0; row < channels * rows; row++) {
    const to = (Math.floor(row / rows) * height + top + row % rows) * width;
    const line = data.subarray(row * columns, (row + 1) * columns);
    whole.data.set(line, to + left);
  }
}

/**
 * Decodes a picture in tiles.
 *
 * @param latents `[Z, H/f, W/f]`.
 * @param decode Decodes a part of the latents, which is smaller than a tile at the ends, to a picture `[C, h, w]`.
 * @returns `[C, H, W]`.
 */
export async function decodeTiles(
  latents: Tensor<"float32">,
  { side, factor }: Tiles,
  decode: (part: Tensor<"float32">) => Promise<Tensor<"float32">>,
): Promise<Tensor<"float32">> {
  const [, height, width] = latents.shape;
  const step = Math.max(1, Math.trunc(side * (1 - overlap)));
  const extent = (side - step) * factor;
  const kept = { rows: step * factor, columns: step * factor };
  let picture: Tensor<"float32"> | undefined;
  let above: Tensor<"float32">[] = [];
  for (let top = 0, i = 0; top < height; top += step, i++) {
    const row: Tensor<"float32">[] = [];
    for (let left = 0, j = 0; left < width; left += step, j++) {
      const corner = { top, left, rows: side, columns: side };
      const tile = await decode(part(latents, corner));
      if (i > 0) blend(above[j], tile, { axis: 1, extent });
      if (j > 0) blend(row[j - 1], tile, { axis: 2, extent });
      row.push(tile);
      picture ??= zeros([tile.shape[0], height * factor, width * factor]);
      const own = part(tile, { top: 0, left: 0, ...kept });
      place(picture, own, { top: top * factor, left: left * factor });
    }
    above = row;
  }
  return picture!;
}
