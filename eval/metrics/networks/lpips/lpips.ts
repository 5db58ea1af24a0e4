/**
 * LPIPS (Zhang et al., CVPR 2018), version 0.1: how far apart two pictures look.
 * Both go through a network trained on ImageNet; features of each of five depths
 * are normalised over their channels, and their squared differences are weighted
 * by factors fitted to people's judgements. Weights bear the names of
 * torchvision's networks and of the authors' release.
 *
 * Shapes: `B` batch, `C` channels.
 */
import {
  askedShapes,
  convolution,
  type WeightSource,
} from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";

/** A convolution and its ReLU by place in torchvision's list; without a `window` the map keeps its size. */
type Layer = readonly [
  index: number,
  channels: number,
  kernel: number,
  window?: { readonly stride: number; readonly padding: number },
];

interface Backbone {
  /** The side of the pools' windows; pools halve the map. */
  readonly pool: number;
  /** The stages: each ends in a map that is compared, and a `pooled` stage begins with a pool. */
  readonly stages: readonly {
    readonly pooled: boolean;
    readonly layers: readonly Layer[];
  }[];
}

const backbones = {
  /** Krizhevsky (2014). */
  alex: {
    pool: 3,
    stages: [
      { pooled: false, layers: [[0, 64, 11, { stride: 4, padding: 2 }]] },
      { pooled: true, layers: [[3, 192, 5]] },
      { pooled: true, layers: [[6, 384, 3]] },
      { pooled: false, layers: [[8, 256, 3]] },
      { pooled: false, layers: [[10, 256, 3]] },
    ],
  },
  /** Simonyan and Zisserman (2015), configuration D: VGG-16. */
  vgg: {
    pool: 2,
    stages: [
      { pooled: false, layers: [[0, 64, 3], [2, 64, 3]] },
      { pooled: true, layers: [[5, 128, 3], [7, 128, 3]] },
      { pooled: true, layers: [[10, 256, 3], [12, 256, 3], [14, 256, 3]] },
      { pooled: true, layers: [[17, 512, 3], [19, 512, 3], [21, 512, 3]] },
      { pooled: true, layers: [[24, 512, 3], [26, 512, 3], [28, 512, 3]] },
    ],
  },
} as const satisfies Record<string, Backbone>;

/** The networks whose published weights can be used here. */
export type LpipsNet = keyof typeof backbones;

/** The networks in the order of the help texts. */
export const lpipsNets = Object.keys(backbones) as readonly LpipsNet[];

/** The network and its width. */
export interface LpipsConfig {
  readonly net: LpipsNet;
  /** The divisor of all widths: 1 for the published network, more for tests. */
  readonly narrow: number;
}

/** The authors' mean and, below, deviation of ImageNet's channels, for values in [-1, 1]. */
const shift = [-0.030, -0.088, -0.188];
const scale = [0.458, 0.448, 0.450];

/** The addend that keeps the norm of a pixel's channels from 0. */
const epsilon = 1e-10;

/** The maps that are compared, from the first to the last. */
function maps(
  g: GraphBuilder,
  x: Value,
  { net, narrow, weights }: LpipsConfig & { readonly weights: WeightSource },
): Value[] {
  const { pool, stages }: Backbone = backbones[net];
  const made: Value[] = [];
  let y = x;
  for (const { pooled, layers } of stages) {
    if (pooled) y = g.maxPool(y, { kernel: [pool, pool], strides: [2, 2] });
    for (const [index, channels, kernel, window] of layers) {
      const options = { path: `features.${index}`, kernel, weights, ...window };
      const width = Math.ceil(channels / narrow);
      y = g.relu(convolution(g, y, { ...options, channels: width }));
    }
    made.push(y);
  }
  return made;
}

/** Each pixel's channels over their norm, `[B, C, H, W]`. */
function normalised(g: GraphBuilder, map: Value): Value {
  const squares = g.reduceSum(g.mul(map, map), { axes: [1], keepDims: true });
  return g.div(map, g.add(g.sqrt(squares), g.scalar(epsilon)));
}

/** The smallest side in pixels with which every map has a pixel. */
export function smallestSide(net: LpipsNet): number {
  const { pool, stages }: Backbone = backbones[net];
  let side = 1;
  for (const { pooled, layers } of stages.toReversed()) {
    for (const [, , kernel, window] of layers.toReversed()) {
      if (window) {
        side = (side - 1) * window.stride + kernel - 2 * window.padding;
      }
    }
    if (pooled) side = (side - 1) * 2 + pool;
  }
  return side;
}

/**
 * The distance as a graph: pictures `x` and `y` `[B, 3, H, W]` in [-1, 1] in, `distances` `[B]` out.
 *
 * @throws {RangeError} If the pictures are too small for the network.
 */
export function lpipsGraph(
  config: LpipsConfig,
  weights: WeightSource,
  { batch, height, width }: { batch: number; height: number; width: number },
): Graph {
  const least = smallestSide(config.net);
  if (Math.min(height, width) < least) {
    throw new RangeError(
      `Cannot build LPIPS with ${config.net}: pictures are ${height}x${width}, expected at least ${least}x${least}`,
    );
  }
  const g = new GraphBuilder(`LPIPS with ${config.net}`);
  const pair = ["x", "y"].map((name) =>
    g.input(name, "float32", [batch, 3, height, width])
  );
  const constant = (values: readonly number[]) =>
    g.constant(float32([3, 1, 1], values));
  const both = g.div(
    g.sub(g.concat(pair, { axis: 0 }), constant(shift)),
    constant(scale),
  );
  const distances = maps(g, both, { ...config, weights }).map((map, i) => {
    const [a, b] = g.chunk(normalised(g, map), 2, { axis: 0 });
    const apart = g.sub(a, b);
    const key = `lin${i}.model.1.weight`;
    const shape = [1, map.shape[1], 1, 1];
    const weight = g.parameter(key, shape, weights(key, shape));
    const weighed = g.conv(g.mul(apart, apart), weight, null, {});
    return g.reduceMean(weighed, { axes: [1, 2, 3], keepDims: false });
  });
  const sum = distances.reduce((sum, each) => g.add(sum, each));
  return g.build({ distances: g.reshape(sum, [batch]) });
}

/** Key and shape of every weight: `backbone` for torchvision's network, `linear` for the factors of its maps. */
export function lpipsParameters(config: LpipsConfig) {
  const side = smallestSide(config.net);
  const size = { batch: 1, height: side, width: side };
  const all = [...askedShapes((weights) => lpipsGraph(config, weights, size))];
  const isLinear = ([key]: (typeof all)[number]) => key.startsWith("lin");
  return {
    backbone: new Map(all.filter((each) => !isLinear(each))),
    linear: new Map(all.filter(isLinear)),
  };
}
