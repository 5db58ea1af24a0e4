/**
 * Inception-v3 (Szegedy et al., 2016) as it was released on 2015-12-05, whose
 * features the Fréchet inception distance is made of, with the weights' names
 * of pytorch-fid's port. It differs from later versions in its pooling: averages
 * leave out the padding, and the last block pools maxima.
 *
 * Shapes: `B` batch.
 */
import type { WeightSource } from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";

/** Its width. */
export interface InceptionConfig {
  /** Divides all widths: 1 for the published network, more for tests. */
  readonly narrow: number;
}

interface Context extends InceptionConfig {
  readonly g: GraphBuilder;
  readonly weights: WeightSource;
}

/** A convolution with its norm and ReLU: name, output channels, kernel, and its window where it differs from stride 1 and the same size. */
type Layer = readonly [
  name: string,
  channels: number,
  kernel: readonly [number, number],
  window?: { readonly stride?: number; readonly valid?: boolean },
];

const square = (size: number): [number, number] => [size, size];
const epsilon = 1e-3;

/** Height and width of the pictures. */
export const inceptionSize = 299;
/** Channels of the first branch of the block whose features sFID looks at. */
const spatialChannels = 7;

/** Convolution, batch norm by its running statistics, ReLU. */
function layer(
  c: Context,
  x: Value,
  block: string,
  [name, channels, [height, width], { stride = 1, valid = false } = {}]: Layer,
): Value {
  const { g, weights, narrow } = c;
  const path = block === "" ? name : `${block}.${name}`;
  return g.scope(path, () => {
    const parameter = (key: string, shape: readonly number[]) =>
      g.parameter(`${path}.${key}`, shape, weights(`${path}.${key}`, shape));
    const out = Math.ceil(channels / narrow);
    const kernel = parameter("conv.weight", [out, x.shape[1], height, width]);
    const [up, left] = valid ? [0, 0] : [(height - 1) / 2, (width - 1) / 2];
    const y = g.conv(x, kernel, null, {
      strides: [stride, stride],
      pads: [up, left, up, left],
    });
    const perChannel = (key: string) =>
      g.reshape(parameter(`bn.${key}`, [out]), [out, 1, 1]);
    const scale = g.div(
      perChannel("weight"),
      g.sqrt(g.add(perChannel("running_var"), g.scalar(epsilon))),
    );
    const shift = g.sub(
      perChannel("bias"),
      g.mul(perChannel("running_mean"), scale),
    );
    return g.relu(g.add(g.mul(y, scale), shift));
  });
}

const chain = (c: Context, x: Value, block: string, layers: readonly Layer[]) =>
  layers.reduce((value, each) => layer(c, value, block, each), x);

const maxPool = ({ g }: Context, x: Value, stride: 1 | 2): Value => {
  const pad = stride === 1 ? 1 : 0;
  return g.maxPool(x, {
    kernel: [3, 3],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
  });
};

/** The mean of 3x3 pixels, at the border of those inside. */
function averageInside({ g }: Context, x: Value): Value {
  const window = { kernel: [3, 3], pads: [1, 1, 1, 1] };
  const [, , height, width] = x.shape;
  const inside = (i: number, size: number) =>
    3 - (i === 0 ? 1 : 0) - (i === size - 1 ? 1 : 0);
  const factors = Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return 9 / (inside(y, height) * inside(x, width));
  });
  const mean = g.averagePool(x, window);
  return g.mul(mean, g.constant(float32([height, width], factors)));
}

/** 35x35 → 35x35. */
function blockA(c: Context, x: Value, block: string, pooled: number): Value {
  return c.g.concat([
    chain(c, x, block, [["branch1x1", 64, square(1)]]),
    chain(c, x, block, [
      ["branch5x5_1", 48, square(1)],
      ["branch5x5_2", 64, square(5)],
    ]),
    chain(c, x, block, [
      ["branch3x3dbl_1", 64, square(1)],
      ["branch3x3dbl_2", 96, square(3)],
      ["branch3x3dbl_3", 96, square(3)],
    ]),
    chain(c, averageInside(c, x), block, [["branch_pool", pooled, square(1)]]),
  ], { axis: 1 });
}

const halving = { stride: 2, valid: true };

/** 35x35 → 17x17. */
function blockB(c: Context, x: Value, block: string): Value {
  return c.g.concat([
    chain(c, x, block, [["branch3x3", 384, square(3), halving]]),
    chain(c, x, block, [
      ["branch3x3dbl_1", 64, square(1)],
      ["branch3x3dbl_2", 96, square(3)],
      ["branch3x3dbl_3", 96, square(3), halving],
    ]),
    maxPool(c, x, 2),
  ], { axis: 1 });
}

/** 17x17 → 17x17; the output of its first branch too. */
function blockC(
  c: Context,
  x: Value,
  block: string,
  inner: number,
): { all: Value; first: Value } {
  const first = chain(c, x, block, [["branch1x1", 192, square(1)]]);
  const all = c.g.concat([
    first,
    chain(c, x, block, [
      ["branch7x7_1", inner, square(1)],
      ["branch7x7_2", inner, [1, 7]],
      ["branch7x7_3", 192, [7, 1]],
    ]),
    chain(c, x, block, [
      ["branch7x7dbl_1", inner, square(1)],
      ["branch7x7dbl_2", inner, [7, 1]],
      ["branch7x7dbl_3", inner, [1, 7]],
      ["branch7x7dbl_4", inner, [7, 1]],
      ["branch7x7dbl_5", 192, [1, 7]],
    ]),
    chain(c, averageInside(c, x), block, [["branch_pool", 192, square(1)]]),
  ], { axis: 1 });
  return { all, first };
}

/** 17x17 → 8x8. */
function blockD(c: Context, x: Value, block: string): Value {
  return c.g.concat([
    chain(c, x, block, [
      ["branch3x3_1", 192, square(1)],
      ["branch3x3_2", 320, square(3), halving],
    ]),
    chain(c, x, block, [
      ["branch7x7x3_1", 192, square(1)],
      ["branch7x7x3_2", 192, [1, 7]],
      ["branch7x7x3_3", 192, [7, 1]],
      ["branch7x7x3_4", 192, square(3), halving],
    ]),
    maxPool(c, x, 2),
  ], { axis: 1 });
}

/** 8x8 → 8x8. */
function blockE(
  c: Context,
  x: Value,
  block: string,
  pool: (c: Context, x: Value) => Value,
): Value {
  const { g } = c;
  const one = (from: Value, layer: Layer) => chain(c, from, block, [layer]);
  const middle = one(x, ["branch3x3_1", 384, square(1)]);
  const deep = chain(c, x, block, [
    ["branch3x3dbl_1", 448, square(1)],
    ["branch3x3dbl_2", 384, square(3)],
  ]);
  return g.concat([
    one(x, ["branch1x1", 320, square(1)]),
    one(middle, ["branch3x3_2a", 384, [1, 3]]),
    one(middle, ["branch3x3_2b", 384, [3, 1]]),
    one(deep, ["branch3x3dbl_3a", 384, [1, 3]]),
    one(deep, ["branch3x3dbl_3b", 384, [3, 1]]),
    one(pool(c, x), ["branch_pool", 192, square(1)]),
  ], { axis: 1 });
}

/** The features that metrics read. */
export interface InceptionFeatures {
  /** `pool3`, of FID and KID, `[B, 2048]`. */
  readonly pooled: Value;
  /** 17x17 positions of the seven first channels of a branch of `mixed_6`, of sFID, `[B, 2023]`; channels last, as the statistics are that the ADM evaluator publishes. */
  readonly spatial: Value;
}

/**
 * @param x Pictures of 299x299 pixels in [-1, 1], `[B, 3, 299, 299]`.
 * @throws {RangeError} If they have another size.
 */
export function inception(
  g: GraphBuilder,
  x: Value,
  { config, weights }: { config: InceptionConfig; weights: WeightSource },
): InceptionFeatures {
  const [batch, , height, width] = x.shape;
  if (height !== inceptionSize || width !== inceptionSize) {
    throw new RangeError(
      `Cannot build Inception: pictures are ${height}x${width}, expected ${inceptionSize}x${inceptionSize}`,
    );
  }
  const c: Context = { g, weights, ...config };
  const stem = chain(c, x, "", [
    ["Conv2d_1a_3x3", 32, square(3), halving],
    ["Conv2d_2a_3x3", 32, square(3), { valid: true }],
    ["Conv2d_2b_3x3", 64, square(3)],
  ]);
  const coarse = chain(c, maxPool(c, stem, 2), "", [
    ["Conv2d_3b_1x1", 80, square(1)],
    ["Conv2d_4a_3x3", 192, square(3), { valid: true }],
  ]);
  let y = maxPool(c, coarse, 2);
  y = blockA(c, y, "Mixed_5b", 32);
  y = blockA(c, y, "Mixed_5c", 64);
  y = blockA(c, y, "Mixed_5d", 64);
  y = blockB(c, y, "Mixed_6a");
  y = blockC(c, y, "Mixed_6b", 128).all;
  y = blockC(c, y, "Mixed_6c", 160).all;
  const { all, first } = blockC(c, y, "Mixed_6d", 160); // mixed_6 of the release
  y = blockC(c, all, "Mixed_6e", 192).all;
  y = blockD(c, y, "Mixed_7a");
  y = blockE(c, y, "Mixed_7b", averageInside);
  y = blockE(c, y, "Mixed_7c", (c, x) => maxPool(c, x, 1));
  const channels = Math.min(spatialChannels, first.shape[1]);
  const spatial = g.slice(first, { starts: [0], ends: [channels], axes: [1] });
  const [, , rows, columns] = spatial.shape;
  return {
    pooled: g.reduceMean(y, { axes: [2, 3], keepDims: false }),
    spatial: g.reshape(g.transpose(spatial, [0, 2, 3, 1]), [
      batch,
      rows * columns * channels,
    ]),
  };
}

/** The network as a graph: `pictures` `[B, 3, 299, 299]` in [-1, 1] in, `pooled` and `spatial` out. */
export function inceptionGraph(
  config: InceptionConfig,
  weights: WeightSource,
  { batch }: { batch: number },
): Graph {
  const g = new GraphBuilder("Inception-v3 of 2015-12-05");
  const shape = [batch, 3, inceptionSize, inceptionSize];
  const pictures = g.input("pictures", "float32", shape);
  const { pooled, spatial } = inception(g, pictures, { config, weights });
  return g.build({ pooled, spatial });
}
