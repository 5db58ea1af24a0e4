/** A picture's cost as steps, pictures at once and their size grow: the full sampler and a SubNet, time and MACs. */
import { columnLines } from "../tables/aligned_lines.ts";
import { readNetwork } from "@dip-go/core/models";
import type { ByName, FiguresOf } from "./figures.ts";
import { measureSpeed } from "./sub_net_speed.ts";
import { modelFolder, type SubjectSize } from "./subjects/subjects.ts";

type GrowthSize = Required<Pick<SubjectSize, "steps" | "images" | "side">>;

export interface GrowthOptions {
  /** The fraction of the dense trajectory's MACs that the SubNet leaves out. */
  readonly sparsity: number;
  /** The number of timed turns of each sampler, after one untimed turn. */
  readonly rounds: number;
  /** The sampler's steps on the lines along which images or sides grow. */
  readonly steps: number;
  /** The values that each size takes besides its base value: `steps`, one image, the model's own side. */
  readonly sizes?: {
    readonly steps: readonly number[];
    readonly images: readonly number[];
    /** Fractions of the model's own side; patches or levels must divide the sides. The weights are the same. */
    readonly sides: readonly number[];
  };
}

const usualSizes = {
  steps: [10, 20, 50],
  images: [2, 4, 8],
  sides: [1 / 2, 2],
};

/**
 * Measures a model at each size, with the SubNet of `mixedGates`.
 *
 * @param folder The model and its scheduler.
 * @returns Points for each size that grows while the others stay, ascending; the base point is on all three lines.
 * @throws {RangeError} If the sparsity cannot be reached in as few steps, or `rounds` is less than 1.
 */
export async function measureGrowth(
  folder: string,
  { steps, sizes = usualSizes, ...options }: GrowthOptions,
) {
  const { config: { sampleSize } } = await readNetwork(folder);
  const base = { steps, images: 1, side: sampleSize };
  const common = await pointAt(folder, base, options);
  const along = async (axis: keyof GrowthSize, values: readonly number[]) => {
    const others = values.filter((value) => value !== base[axis]);
    const points = await Array.fromAsync(
      others,
      (value) => pointAt(folder, { ...base, [axis]: value }, options),
    );
    return [common, ...points].sort((a, b) => a[axis] - b[axis]);
  };
  return {
    steps: await along("steps", sizes.steps),
    images: await along("images", sizes.images),
    side: await along("side", sizes.sides.map((part) => part * sampleSize)),
  };
}

/** Measures one picture's cost at a size: calls of the model, MACs in the total convention, median milliseconds. */
async function pointAt(
  folder: string,
  size: GrowthSize,
  options: { sparsity: number; rounds: number },
) {
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

export const growthLines = (
  growths: ByName<FiguresOf<typeof measureGrowth>>,
): string[] =>
  Object.entries(growths).flatMap(([name, { steps, images, side }]) => [
    ...tableOf(`${name}: steps`, steps),
    ...tableOf(`${name}: images at once`, images),
    ...tableOf(`${name}: side of the latents`, side),
  ]);

const tableOf = (
  title: string,
  points: readonly FiguresOf<typeof pointAt>[],
): string[] => [
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
