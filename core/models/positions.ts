/** Sinusoidal positions of a grid of tokens (Vaswani et al., 2017, in two dimensions as in MAE and DiT). */

/** Sines, then cosines, of `position` at `count` frequencies 10000^(−i/count). */
function waves(
  target: Float32Array,
  offset: number,
  position: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const angle = position * 10000 ** (-i / count);
    target[offset + i] = Math.sin(angle);
    target[offset + count + i] = Math.cos(angle);
  }
}

/** `[height x columns, width]` row-major: the first half of each token encodes its column, the second its row. */
export function sinCosPositions(
  { width, height, columns }: {
    width: number;
    height: number;
    columns: number;
  },
): Float32Array {
  const table = new Float32Array(height * columns * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const offset = (y * columns + x) * width;
      waves(table, offset, x, width / 4);
      waves(table, offset + width / 2, y, width / 4);
    }
  }
  return table;
}
