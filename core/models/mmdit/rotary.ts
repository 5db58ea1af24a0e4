/**
 * Rotary positions in two dimensions (Su et al., 2021; as in FLUX): pairs of
 * neighbouring channels of each head are rotated by angles that grow with a
 * token's row and column. Tokens of the text are at the origin.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { float32 } from "../../tensor/tensor.ts";

/** The number of text tokens, and the grid of picture tokens that follow, row by row. */
export interface TokenLayout {
  readonly text: number;
  readonly rows: number;
  readonly columns: number;
}

const theta = 10000;

/**
 * The angles of each token's pairs, `[tokens, pairs]` row-major.
 *
 * @param axes Channels of a head for a text's position, which is always 0, a row and a column.
 */
function rotaryAngles(
  axes: readonly number[],
  { text, rows, columns }: TokenLayout,
): Float64Array {
  const pairs = axes.map((channels) => channels / 2);
  const all = pairs.reduce((a, b) => a + b, 0);
  const angles = new Float64Array((text + rows * columns) * all);
  for (let i = 0; i < rows * columns; i++) {
    let at = (text + i) * all + pairs[0];
    for (
      const [axis, place] of [Math.floor(i / columns), i % columns].entries()
    ) {
      const count = pairs[axis + 1];
      for (let k = 0; k < count; k++) {
        angles[at++] = place * (1 / theta ** (k / count));
      }
    }
  }
  return angles;
}

/**
 * Makes a function that rotates queries or keys `[B, tokens, D]`: with c and s the
 * cosine and sine of its angle, a pair (a, b) becomes (c a − s b, c b + s a). All
 * calls share the tables.
 */
export function rotation(
  axes: readonly number[],
  layout: TokenLayout,
): (g: GraphBuilder, x: Value) => Value {
  const headWidth = axes.reduce((a, b) => a + b, 0);
  const angles = rotaryAngles(axes, layout);
  const tokens = layout.text + layout.rows * layout.columns;
  const shape = [1, tokens, 1, headWidth / 2, 1];
  const cosines = float32(shape, Float32Array.from(angles, Math.cos));
  const sines = float32(shape, Float32Array.from(angles, Math.sin));
  return (g, x) => {
    const [batch, length, width] = x.shape;
    const pairs = [batch, length, width / headWidth, headWidth / 2, 2];
    const [a, b] = g.chunk(g.reshape(x, pairs), 2, { axis: 4 });
    const [c, s] = [g.constant(cosines), g.constant(sines)];
    const turned = g.concat([
      g.sub(g.mul(a, c), g.mul(b, s)),
      g.add(g.mul(b, c), g.mul(a, s)),
    ], { axis: 4 });
    return g.reshape(turned, x.shape);
  };
}
