/**
 * Convolutions by Winograd's minimal filtering (Lavin and Gray, 2016, "Fast
 * Algorithms for Convolutional Neural Networks"): 3x3 filters at stride 1 with
 * a fourth, or four ninths, of the multiplications.
 *
 * F(m x m, 3 x 3) computes a tile of m x m outputs from a = m + 2 squared
 * inputs d and the filter g as
 *
 *   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * Summed over input channels, the product ⊙ becomes one matrix product at each
 * of the a² places of a tile. In operators of ONNX, with P tiles a picture:
 *
 *   U [K, a², C]    = (G ⊗ G) g            of constants: the runtime folds it at load
 *   V [N·C, a², P]  = Conv of each channel with the a² rows of Bᵀ ⊗ Bᵀ, stride m
 *   M [a², K, N·P]  = U V                   the work
 *   Y [m², K·N·P]   = (Aᵀ ⊗ Aᵀ) M           and DepthToSpace lays the tiles out
 *
 * F(4) rounds to about 1e-5 of the largest output in float32, a direct
 * convolution to 1e-6.
 */
import { float32, sameShape, sizeOf } from "../../tensor/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { type Graph, type Node, type Value, valueOf } from "../graph.ts";
import { dependants } from "../reach.ts";
import { type RewriteRule, rewritten } from "./rewrite.ts";

type Matrix = readonly (readonly number[])[];

/** The three transforms of F(m x m, 3 x 3) along one axis: Bᵀ `[a, a]`, G `[a, 3]`, Aᵀ `[m, a]`. */
interface Transforms {
  readonly input: Matrix;
  readonly filter: Matrix;
  readonly output: Matrix;
}

/** The m of F(m x m, 3 x 3), a tile's outputs along one axis. */
type Tile = 2 | 4;

/** The transforms of each m, with interpolation points 0, 1, −1 and infinity, and 2, −2 if m = 4. */
const transforms: Readonly<Record<Tile, Transforms>> = {
  2: {
    input: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    filter: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [
      0,
      0,
      1,
    ]],
    output: [[1, 1, 1, 0], [0, 1, -1, -1]],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    filter: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/** A graph in the making, and the constants of it that several convolutions read. */
interface Making {
  readonly g: GraphBuilder;
  readonly shared: Map<unknown, Value>;
}

/** M ⊗ M: the transform of both axes of a tile at once. */
function transform({ g, shared }: Making, matrix: Matrix): Value {
  return shared.getOrInsertComputed(matrix, () => {
    const rows = matrix.flatMap((top) =>
      matrix.map((bottom) => top.flatMap((x) => bottom.map((y) => x * y)))
    );
    const shape = [rows.length, rows[0].length];
    return g.constant(float32(shape, rows.flat()));
  });
}

/** With fewer channels, ONNX Runtime's direct convolution is as fast. */
const leastChannels = 256;

/** Pixels from which m = 4 pays for its weights: 4 times the filters' memory, against 1.8 times with m = 2. */
const pixelsOfLargeTiles = 32 * 32;

/** With fewer pixels the weights' memory is the cost, in any form. */
const leastPixels = 16 * 16;

/** The most bytes of a batch's transformed tiles, which take a²/m² times its features' memory. */
const mostTileBytes = 2 ** 28;

/** The m for a convolution of `x` `[N, C, H, W]`; null if a direct convolution is better. */
function tileOf(node: Node, x: Value, w: Value): Tile | null {
  const isPlain = w.dtype === "float32" &&
    sameShape(w.shape.slice(2), [3, 3]) &&
    (node.attributes.group ?? 1) === 1 &&
    sameShape(node.attributes.strides ?? [1, 1], [1, 1]) &&
    sameShape(node.attributes.dilations ?? [1, 1], [1, 1]) &&
    sameShape(node.attributes.pads ?? [0, 0, 0, 0], [1, 1, 1, 1]);
  if (!isPlain) return null;
  const [, , H, W] = x.shape;
  const [K, C] = w.shape;
  const tile = H * W >= pixelsOfLargeTiles ? 4 : 2;
  const isLarge = Math.min(K, C) >= leastChannels && H * W >= leastPixels;
  const bytes = 4 * sizeOf(x.shape) / C * Math.max(K, C) *
    ((tile + 2) / tile) ** 2;
  const fits = H % tile === 0 && W % tile === 0 && bytes <= mostTileBytes;
  return isLarge && fits ? tile : null;
}

/** U `[K, a², C]` of w `[K, C, 3, 3]`. */
function filtersOf(making: Making, w: Value, tile: Tile): Value {
  const { g } = making;
  const [K, C] = w.shape;
  const taps = g.transpose(g.reshape(w, [K, C, 9]), [0, 2, 1]);
  return g.matMul(transform(making, transforms[tile].filter), taps);
}

/** x `[N, C, H, W]` → `[N, K, H, W]`, with filters in the form of {@linkcode filtersOf}. */
function convolution(
  making: Making,
  { x, filters, tile }: { x: Value; filters: Value; tile: Tile },
): Value {
  const { g } = making;
  const { input, output } = transforms[tile];
  const [N, C, H, W] = x.shape;
  const [K, places] = filters.shape;
  const [rows, columns] = [H / tile, W / tile];
  const P = rows * columns;
  const side = tile + 2;

  const windows = g.conv(
    g.reshape(x, [N * C, 1, H, W]),
    g.reshape(transform(making, input), [places, 1, side, side]),
    null,
    { pads: [1, 1, 1, 1], strides: [tile, tile] },
  );
  const V = g.transpose(g.reshape(windows, [N, C, places, P]), [2, 1, 0, 3]);
  const M = g.fusedMatMul(filters, g.reshape(V, [places, C, N * P]), {
    transBatchA: 1,
  });
  const Y = g.matMul(
    transform(making, output),
    g.reshape(M, [places, K * N * P]),
  );
  const tiles = N === 1
    ? Y
    : g.transpose(g.reshape(Y, [tile ** 2, K, N, P]), [2, 0, 1, 3]);
  return g.depthToSpace(g.reshape(tiles, [N, tile ** 2 * K, rows, columns]), {
    blockSize: tile,
  });
}

/**
 * The graph with its large 3x3 convolutions of constant weights in Winograd's
 * form: same inputs and outputs, results to float32 rounding.
 */
export function winogradGraph(graph: Graph): Graph {
  const inputs = graph.inputs.map(({ name }) => name);
  const varied = dependants(graph.nodes, inputs).names;
  const tileOfNode = (node: Node) => {
    const [x, w] = node.inputs;
    if (node.op !== "Conv" || varied.has(w)) return null;
    return tileOf(node, valueOf(graph, x), valueOf(graph, w));
  };
  if (!graph.nodes.some(tileOfNode)) return graph;
  const shared = new Map<unknown, Value>();
  const rule: RewriteRule = ({ g, node, inputs: [x, w, bias] }) => {
    const tile = tileOfNode(node);
    if (!tile) return undefined;
    const making = { g, shared };
    const filters = shared.getOrInsertComputed(
      `${w!.name} ${tile}`,
      () => filtersOf(making, w!, tile),
    );
    const y = convolution(making, { x: x!, filters, tile });
    return [bias ? g.add(y, g.reshape(bias, [-1, 1, 1])) : y];
  };
  return rewritten(graph, { rule });
}
