/** Sinusoidal positions of a grid of tokens (Vaswani et al., 2017, in two dimensions as in MAE and DiT). */

/** Writes the sines, then the cosines, of `position` at `count` frequencies 10000^(−i/count). */
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

export interface TokenGrid {
  readonly height: number;
  readonly columns: number;
  /** The end, exclusive, of each axis's evenly spaced positions from 0 on, before division by `scale`. */
  readonly span: number;
  /** The divisor of all positions; 1 by default. */
  readonly scale?: number;
}

/** The positions of `count` tokens along an axis; each operation rounds to float32 as in diffusers. */
function places(
  count: number,
  { span, scale = 1 }: Pick<TokenGrid, "span" | "scale">,
): number[] {
  const { fround } = Math;
  const ratio = fround(count / span);
  return Array.from(
    { length: count },
    (_, i) => fround(fround(i / ratio) / fround(scale)),
  );
}

/** The table `[height x columns, width]`, row-major: a token's first half encodes its column, the second its row. */
export function sinCosPositions(width: number, grid: TokenGrid): Float32Array {
  const { height, columns } = grid;
  const [rows, cells] = [places(height, grid), places(columns, grid)];
  const table = new Float32Array(height * columns * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const offset = (y * columns + x) * width;
      waves(table, offset, cells[x], width / 4);
      waves(table, offset + width / 2, rows[y], width / 4);
    }
  }
  return table;
}
