/**
 * Inception-v3 (Szegedy et al., 2016) as released on 2015-12-05, the network whose
 * features the Fréchet inception distance compares. Weights have the names of
 * pytorch-fid's port. Its pooling differs from later versions: averages leave out
 * the padding, and the last block pools maxima.
 *
 * Shapes: `B` batch.
 */
import { askedShapes, type WeightSource } from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";

interface Context {
  readonly g: GraphBuilder;
  readonly weights: WeightSource;
  readonly narrow: number;
}

/** A convolution with its norm and ReLU; `kernel`: a side, or height and width. By default stride 1, same size. */
type Layer = readonly [
  name: string,
  channels: number,
  kernel: number | readonly [number, number],
  window?: { readonly stride?: number; readonly valid?: boolean },
];

/** A layer, or another operation on a map in a block. */
type Step = Layer | ((c: Context, x: Value, block: string) => Value);

/** Steps, one after another. */
type Branch = readonly Step[];

const epsilon = 1e-3;

/** The height and width of the pictures. */
export const inceptionSize = 299;
/** The block of sFID's features, `mixed_6` of the release, and the number of channels used of its first branch. */
const spatial = { block: "Mixed_6d", channels: 7 };

/** Adds a convolution, a batch norm by its running statistics and a ReLU. */
function layer(
  { g, weights, narrow }: Context,
  x: Value,
  path: string,
  [, channels, kernel, { stride = 1, valid = false } = {}]: Layer,
): Value {
  const [height, width] = typeof kernel === "number"
    ? [kernel, kernel]
    : kernel;
  return g.scope(path, () => {
    const parameter = (key: string, shape: readonly number[]) =>
      g.parameter(`${path}.${key}`, shape, weights(`${path}.${key}`, shape));
    const out = Math.ceil(channels / narrow);
    const filter = parameter("conv.weight", [out, x.shape[1], height, width]);
    const [up, left] = valid ? [0, 0] : [(height - 1) / 2, (width - 1) / 2];
    const y = g.conv(x, filter, null, {
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

const chain = (c: Context, x: Value, block: string, steps: Branch): Value =>
  steps.reduce(
    (value, step) =>
      typeof step === "function"
        ? step(c, value, block)
        : layer(c, value, block === "" ? step[0] : `${block}.${step[0]}`, step),
    x,
  );

const ends = (
  c: Context,
  x: Value,
  block: string,
  branches: readonly Branch[],
) => branches.map((steps) => chain(c, x, block, steps));

/** Branches of one map, joined along the channels. */
const fork = (...branches: Branch[]): Step => (c, x, block) =>
  c.g.concat(ends(c, x, block, branches), { axis: 1 });

const halvingPool: Step = ({ g }, x) =>
  g.maxPool(x, { kernel: [3, 3], strides: [2, 2] });

const maximum: Step = ({ g }, x) =>
  g.maxPool(x, { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });

/** The mean of 3x3 pixels; at the border, of the pixels inside the map. */
const averageInside: Step = ({ g }, x) => {
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
};

const halving = { stride: 2, valid: true };

const stem: Branch = [
  ["Conv2d_1a_3x3", 32, 3, halving],
  ["Conv2d_2a_3x3", 32, 3, { valid: true }],
  ["Conv2d_2b_3x3", 64, 3],
  halvingPool,
  ["Conv2d_3b_1x1", 80, 1],
  ["Conv2d_4a_3x3", 192, 3, { valid: true }],
  halvingPool,
];

/** 35x35 → 35x35. */
const blockA = (pooled: number): readonly Branch[] => [
  [["branch1x1", 64, 1]],
  [["branch5x5_1", 48, 1], ["branch5x5_2", 64, 5]],
  [
    ["branch3x3dbl_1", 64, 1],
    ["branch3x3dbl_2", 96, 3],
    ["branch3x3dbl_3", 96, 3],
  ],
  [averageInside, ["branch_pool", pooled, 1]],
];

/** 35x35 → 17x17. */
const blockB: readonly Branch[] = [
  [["branch3x3", 384, 3, halving]],
  [
    ["branch3x3dbl_1", 64, 1],
    ["branch3x3dbl_2", 96, 3],
    ["branch3x3dbl_3", 96, 3, halving],
  ],
  [halvingPool],
];

/** 17x17 → 17x17. */
const blockC = (inner: number): readonly Branch[] => [
  [["branch1x1", 192, 1]],
  [
    ["branch7x7_1", inner, 1],
    ["branch7x7_2", inner, [1, 7]],
    ["branch7x7_3", 192, [7, 1]],
  ],
  [
    ["branch7x7dbl_1", inner, 1],
    ["branch7x7dbl_2", inner, [7, 1]],
    ["branch7x7dbl_3", inner, [1, 7]],
    ["branch7x7dbl_4", inner, [7, 1]],
    ["branch7x7dbl_5", 192, [1, 7]],
  ],
  [averageInside, ["branch_pool", 192, 1]],
];

/** 17x17 → 8x8. */
const blockD: readonly Branch[] = [
  [["branch3x3_1", 192, 1], ["branch3x3_2", 320, 3, halving]],
  [
    ["branch7x7x3_1", 192, 1],
    ["branch7x7x3_2", 192, [1, 7]],
    ["branch7x7x3_3", 192, [7, 1]],
    ["branch7x7x3_4", 192, 3, halving],
  ],
  [halvingPool],
];

/** Two layers of one map, along its rows and along its columns. */
const crossed = (name: string): Step =>
  fork([[`${name}a`, 384, [1, 3]]], [[`${name}b`, 384, [3, 1]]]);

/** 8x8 → 8x8. */
const blockE = (pool: Step): readonly Branch[] => [
  [["branch1x1", 320, 1]],
  [["branch3x3_1", 384, 1], crossed("branch3x3_2")],
  [
    ["branch3x3dbl_1", 448, 1],
    ["branch3x3dbl_2", 384, 3],
    crossed("branch3x3dbl_3"),
  ],
  [pool, ["branch_pool", 192, 1]],
];

const blocks: Readonly<Record<string, readonly Branch[]>> = {
  Mixed_5b: blockA(32),
  Mixed_5c: blockA(64),
  Mixed_5d: blockA(64),
  Mixed_6a: blockB,
  Mixed_6b: blockC(128),
  Mixed_6c: blockC(160),
  Mixed_6d: blockC(160),
  Mixed_6e: blockC(192),
  Mixed_7a: blockD,
  Mixed_7b: blockE(averageInside),
  Mixed_7c: blockE(maximum),
};

/** The first channels of a 17x17 map, flattened with channels last, as in the ADM evaluator's published statistics. */
function positions(g: GraphBuilder, map: Value): Value {
  const channels = Math.min(spatial.channels, map.shape[1]);
  const first = g.slice(map, { starts: [0], ends: [channels], axes: [1] });
  const [batch, , rows, columns] = first.shape;
  const last = g.transpose(first, [0, 2, 3, 1]);
  return g.reshape(last, [batch, rows * columns * channels]);
}

/**
 * The network as a graph.
 *
 * @param options `narrow`: the divisor of all widths, 1 for the published network,
 * more for tests.
 * @returns `pictures` `[B, 3, 299, 299]` in [-1, 1] in; out `pooled` `[B, 2048]`,
 * the `pool3` of FID and KID, and `spatial` `[B, 2023]`, of sFID.
 */
export function inceptionGraph(
  weights: WeightSource,
  { batch = 1, narrow = 1 }: { batch?: number; narrow?: number } = {},
): Graph {
  const g = new GraphBuilder("Inception-v3 of 2015-12-05");
  const c: Context = { g, weights, narrow };
  const shape = [batch, 3, inceptionSize, inceptionSize];
  let y = chain(c, g.input("pictures", "float32", shape), "", stem);
  let seen = y;
  for (const [block, branches] of Object.entries(blocks)) {
    const parts = ends(c, y, block, branches);
    if (block === spatial.block) [seen] = parts;
    y = g.concat(parts, { axis: 1 });
  }
  return g.build({
    pooled: g.reduceMean(y, { axes: [2, 3], keepDims: false }),
    spatial: positions(g, seen),
  });
}

/** Key and shape of every weight that the features need. */
export const inceptionParameters = (
  narrow = 1,
): ReadonlyMap<string, readonly number[]> =>
  askedShapes((weights) => inceptionGraph(weights, { narrow }));
