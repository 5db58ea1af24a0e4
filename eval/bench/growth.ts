/** The cost of a picture as steps, pictures at once and their size grow: the full sampler and a SubNet, time beside MACs. */
import { columnLines } from "../tables/aligned_lines.ts";
import { readNetwork } from "@dip-go/core/models";
import { measureSpeed } from "./sub_net_speed.ts";
import { modelFolder, type SubjectSize } from "./subjects/subjects.ts";

type GrowthSize = Required<SubjectSize>;

/** The size that grows while the others stay. */
export type GrowthAxis = keyof GrowthSize;

interface OfBoth {
  readonly full: number;
  readonly subNet: number;
}

/** The cost of one picture at a size. */
export interface GrowthPoint extends GrowthSize {
  /** Calls of the model in so many steps of the sampler. */
  readonly calls: number;
  /** Multiply-accumulates, total convention. */
  readonly macs: OfBoth;
  /** Medians in milliseconds. */
  readonly time: OfBoth;
  readonly speedup: number;
  /** Measured speedup over MACs speedup. */
  readonly overMacs: number;
}

/** Points by the size that grows, ascending; one is on all three lines. */
export type Growth = Readonly<Record<GrowthAxis, readonly GrowthPoint[]>>;

export interface GrowthOptions {
  /** Fraction of the dense trajectory's MACs that the SubNet leaves out. */
  readonly sparsity: number;
  /** Timed turns of each, after one that is not timed. */
  readonly rounds: number;
  /** Steps of the sampler where they do not grow. */
  readonly steps: number;
  /** {@linkcode usualSizes} by default. */
  readonly sizes?: GrownSizes;
}

/** The values that each grows to, besides the one where it stays. */
export interface GrownSizes {
  readonly steps: readonly number[];
  readonly images: readonly number[];
  /** Of the model's own side, which its patches or levels must divide: the weights are the same. */
  readonly sides: readonly number[];
}

const usualSizes: GrownSizes = {
  steps: [10, 20, 50],
  images: [2, 4, 8],
  sides: [1 / 2, 2],
};

/**
 * Measures a model at each size, with the SubNet of `mixedGates`.
 *
 * @param folder The model and its scheduler.
 * @throws {RangeError} If the sparsity cannot be reached in as few steps, or `rounds` is less than 1.
 */
export async function measureGrowth(
  folder: string,
  { steps, sizes = usualSizes, ...options }: GrowthOptions,
): Promise<Growth> {
  const { config: { sampleSize } } = await readNetwork(folder);
  const base = { steps, images: 1, side: sampleSize };
  const lines = linesThrough(base, sizes);
  const points = new Map<string, GrowthPoint>();
  for (const size of Object.values(lines).flat()) {
    if (points.has(keyOf(size))) continue;
    points.set(keyOf(size), await pointAt(folder, size, options));
  }
  const measured = (sizes: readonly GrowthSize[]) =>
    sizes.map((size) => points.get(keyOf(size))!);
  return {
    steps: measured(lines.steps),
    images: measured(lines.images),
    side: measured(lines.side),
  };
}

/** Sizes that differ from one, which is among them, in one thing each. */
function linesThrough(
  size: GrowthSize,
  { steps, images, sides }: GrownSizes,
): Record<GrowthAxis, readonly GrowthSize[]> {
  const along = (axis: GrowthAxis, values: readonly number[]) =>
    [...new Set([...values, size[axis]])].sort((a, b) => a - b)
      .map((value) => ({ ...size, [axis]: value }));
  return {
    steps: along("steps", steps),
    images: along("images", images),
    side: along("side", sides.map((factor) => factor * size.side)),
  };
}

const keyOf = ({ steps, images, side }: GrowthSize): string =>
  `${steps},${images},${side}`;

async function pointAt(
  folder: string,
  size: GrowthSize,
  options: Omit<GrowthOptions, "steps">,
): Promise<GrowthPoint> {
  const { images } = size;
  const subject = await modelFolder(folder, size);
  const { macs, latency: { full, subNet }, overMacs } = await measureSpeed(
    subject,
    options,
  );
  return {
    ...size,
    calls: subject.net.steps,
    macs: { full: macs.full / images, subNet: macs.subNet / images },
    time: { full: full.median / images, subNet: subNet.median / images },
    speedup: full.median / subNet.median,
    overMacs: overMacs.median,
  };
}

/** Measurements in lines for a terminal, by the model's name. */
export const growthLines = (
  growths: Readonly<Record<string, Growth>>,
): string[] =>
  Object.entries(growths).flatMap(([name, { steps, images, side }]) => [
    ...tableOf(`${name}: steps`, steps),
    ...tableOf(`${name}: images at once`, images),
    ...tableOf(`${name}: side of the latents`, side),
  ]);

const tableOf = (title: string, points: readonly GrowthPoint[]): string[] => [
  `${title}, one image's cost`,
  ...columnLines(points, [
    ["steps", ({ steps }) => String(steps)],
    ["images", ({ images }) => String(images)],
    ["side", ({ side }) => String(side)],
    ["GMACs, full", ({ macs }) => (macs.full / 1e9).toFixed(3)],
    ["SubNet", ({ macs }) => (macs.subNet / 1e9).toFixed(3)],
    ["ms, full", ({ time }) => time.full.toFixed(1)],
    ["SubNet", ({ time }) => time.subNet.toFixed(1)],
    ["speedup", ({ speedup }) => speedup.toFixed(2)],
    ["measured / MACs", ({ overMacs }) => overMacs.toFixed(3)],
  ], { left: 0 }),
];
