/**
 * Colours of latents without the decoder: of each latent pixel by one linear
 * map, fitted by least squares to pictures that the decoder makes. Enough to see
 * a picture come, at no cost.
 */
import { Matrix, solve } from "ml-matrix";
import type { Tensor } from "@dip-go/core/tensor";

/**
 * Fits the map.
 *
 * @param latents `[B, C, h, w]`
 * @param pictures What they decode to, `[B, 3, H, W]`; H and W are multiples of h and w.
 * @returns For each colour, a factor a channel and a constant, `[3][C + 1]`.
 */
export function fitPreview(
  latents: Tensor<"float32">,
  pictures: Tensor<"float32">,
): number[][] {
  const [batch, channels, height, width] = latents.shape;
  const area = height * width;
  const rows: number[][] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < area; i++) {
      const own = (c: number) => latents.data[(b * channels + c) * area + i];
      rows.push([...Array.from({ length: channels }, (_, c) => own(c)), 1]);
    }
  }
  const map = solve(
    new Matrix(rows),
    new Matrix(colours(pictures, { height, width })),
    true,
  );
  return map.transpose().to2DArray();
}

/** Mean colour of the pixels of each latent, `[B h w][3]`. */
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
