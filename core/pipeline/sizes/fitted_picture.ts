/** Pictures fitted to another size: enlarged or reduced until they cover it, then cut at the centre. */
import { float32, type Tensor } from "../../tensor/tensor.ts";
import { stacked, unstacked } from "../../tensor/batch.ts";
import type { PictureDecoder } from "../picture_decoder.ts";
import type { PictureSize } from "../prompts/prompt_encoder.ts";

/** The two pixels of a line between which a resized pixel lies, and the share of the second. */
interface Between {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** The positions of the middle `count` of `resized` pixels on a line of `length`, by the centres of pixels. */
function places(
  length: number,
  { resized, count }: { resized: number; count: number },
): Between[] {
  const start = Math.floor((resized - count) / 2);
  return Array.from({ length: count }, (_, i) => {
    const at = Math.max(0, length / resized * (start + i + 0.5) - 0.5);
    const first = Math.min(Math.floor(at), length - 1);
    const second = Math.min(first + 1, length - 1);
    return { first, second, share: at - first };
  });
}

/** Fits a picture `[C, H, W]` to a size, bilinearly and without smoothing, as in diffusers: `[C, height, width]`. */
export function fitted(
  picture: Tensor<"float32">,
  { height, width }: PictureSize,
): Tensor<"float32"> {
  const { shape: [channels, H, W], data } = picture;
  if (H === height && W === width) return picture;
  const ratio = Math.max(height / H, width / W);
  const resized = (side: number) => Math.trunc(side * ratio);
  const rows = places(H, { resized: resized(H), count: height });
  const columns = places(W, { resized: resized(W), count: width });
  const out = new Float32Array(channels * height * width);
  let next = 0;
  for (let c = 0; c < channels; c++) {
    for (const row of rows) {
      const [above, below] = [row.first, row.second].map((y) =>
        (c * H + y) * W
      );
      for (const { first, second, share } of columns) {
        const mixed = (line: number) =>
          data[line + first] * (1 - share) + data[line + second] * share;
        out[next++] = mixed(above) * (1 - row.share) + mixed(below) * row.share;
      }
    }
  }
  return float32([channels, height, width], out);
}

/** A decoder whose pictures are fitted to a size. */
export const fitting = (
  decoder: PictureDecoder,
  size: PictureSize,
): PictureDecoder => ({
  async decode(latents) {
    const pictures = unstacked(await decoder.decode(latents));
    return stacked(pictures.map((picture) => fitted(picture, size)));
  },
  [Symbol.asyncDispose]: () => decoder[Symbol.asyncDispose](),
});
