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

/** A grid of tokens and how far apart neighbours lie; 1 by default, in both directions. */
export interface TokenGrid {
  readonly height: number;
  readonly columns: number;
  readonly rowStep?: number;
  readonly columnStep?: number;
}

/** `[height x columns, width]` row-major: the first half of each token encodes its column, the second its row. */
export function sinCosPositions(
  width: number,
  { height, columns, rowStep = 1, columnStep = 1 }: TokenGrid,
): Float32Array {
  const table = new Float32Array(height * columns * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const offset = (y * columns + x) * width;
      waves(table, offset, columnStep * x, width / 4);
      waves(table, offset + width / 2, rowStep * y, width / 4);
    }
  }
  return table;
}
