/**
 * Previews latents without the decoder: one linear map from the channels of a
 * latent pixel to its colour, fitted by least squares to decoded pictures. It is
 * enough to see a picture emerge, at no cost.
 */
import { Matrix, solve } from "ml-matrix";
import type { Tensor } from "@dip-go/core/tensor";

/**
 * Fits the map from latents to colours.
 *
 * @param latents `[B, C, h, w]`
 * @param pictures The decoded latents, `[B, 3, H, W]`; H and W are multiples of h and w.
 * @returns For each colour, a factor for each channel and a constant, `[3][C + 1]`.
 */
export function fitPreview(
  latents: Tensor<"float32">,
  pictures: Tensor<"float32">,
): number[][] {
  const [batch, channels, height, width] = latents.shape;
  const area = height * width;
  const rows = Array.from({ length: batch * area }, (_, i) => {
    const first = Math.floor(i / area) * channels * area + i % area;
    const own = (_: unknown, c: number) => latents.data[first + c * area];
    return [...Array.from({ length: channels }, own), 1];
  });
  const map = solve(
    new Matrix(rows),
    new Matrix(colours(pictures, { height, width })),
    true,
  );
  return map.transpose().to2DArray();
}

/** The mean colour of the picture's pixels at each latent pixel, `[B h w][3]`. */
function colours(
  { shape: [batch, , tall, wide], data }: Tensor<"float32">,
  { height, width }: { height: number; width: number },
): number[][] {
  const [down, right] = [tall / height, wide / width];
  const mean = (plane: number, y: number, x: number): number => {
    let sum = 0;
    for (let i = 0; i < down * right; i++) {
      const row = y * down + Math.floor(i / right);
      sum += data[(plane * tall + row) * wide + x * right + i % right];
    }
    return sum / (down * right);
  };
  return Array.from({ length: batch * height * width }, (_, i) => {
    const at = i % (height * width);
    const b = Math.floor(i / (height * width));
    const [y, x] = [Math.floor(at / width), at % width];
    return [0, 1, 2].map((c) => mean(3 * b + c, y, x));
  });
}
