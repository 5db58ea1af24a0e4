/** Published statistics of real pictures' features, as pytorch-fid and the ADM evaluator keep them. */
import { sameShape } from "@dip-go/core/tensor";
import { frechetDistanceTo } from "./frechet_distance.ts";
import type { Normal } from "./feature_statistics.ts";
import { arrayChecksums, type NumpyArray, readArray } from "./npz.ts";

/** The names of each kind of statistics in an archive. */
const keys = {
  pooled: { mean: "mu", covariance: "sigma" },
  spatial: { mean: "mu_s", covariance: "sigma_s" },
} as const;

/**
 * Reads the distribution of reference features from an `.npz` file.
 *
 * @param kind `pooled` for FID, `spatial` for sFID.
 * @throws {RangeError} If the file lacks the statistics, their shapes are not `[D]` and `[D, D]`, a number is not finite, or the matrix is not symmetric.
 * @throws As `arrayChecksums` and `readArray`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readReference } from "@dip-go/eval";
 *
 * const { mean, covariance } = await readReference("testdata/npz/reference.npz", "pooled");
 * assertEquals(covariance.length, mean.length ** 2);
 * ```
 */
export async function readReference(
  path: string,
  kind: keyof typeof keys,
): Promise<Normal> {
  const { mean, covariance } = keys[kind];
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot read reference ${path}: ${why}`);
  };
  const names = [...(await arrayChecksums(path)).keys()];
  if (![mean, covariance].every((name) => names.includes(name))) {
    const found = names.join(", ") || "nothing";
    refuse(`found ${found}, expected ${mean} and ${covariance}`);
  }
  const { shape, data } = await readArray(path, mean);
  const spread = await readArray(path, covariance);
  const [width] = shape;
  if (shape.length !== 1 || !sameShape(spread.shape, [width, width])) {
    refuse(
      `${mean} is [${shape}] and ${covariance} [${spread.shape}], expected [D] and [D, D]`,
    );
  }
  for (
    const [name, numbers] of Object.entries({
      [mean]: data,
      [covariance]: spread.data,
    })
  ) {
    const odd = numbers.find((value) => !Number.isFinite(value));
    if (odd !== undefined) {
      refuse(`${name} holds ${odd}, expected finite numbers`);
    }
  }
  const apart = asymmetry(spread);
  if (apart) refuse(`${covariance} is ${apart}, expected a symmetric matrix`);
  return { mean: data, covariance: spread.data };
}

/** The largest asymmetry of a matrix, relative to its largest number: float32 files are exact to 6e-8. */
const tolerance = 1e-5;

/** Says at which places a matrix differs from its transpose; undefined if it is symmetric. */
function asymmetry({ shape: [width], data }: NumpyArray): string | undefined {
  const most = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [data[i * width + j], data[j * width + i]];
      if (Math.abs(a - b) > tolerance * most) {
        return `${a} at [${i}, ${j}] and ${b} at [${j}, ${i}]`;
      }
    }
  }
}

/**
 * The Fréchet distance from the statistics in an `.npz` file.
 *
 * @throws {RangeError} If the file's matrix is no covariance.
 * @throws As {@linkcode readReference}.
 */
export async function distanceFromStatistics(
  path: string,
  kind: keyof typeof keys,
): Promise<(sample: Normal) => number> {
  const reference = await readReference(path, kind);
  try {
    return frechetDistanceTo(reference);
  } catch (cause) {
    throw new RangeError(
      `Cannot read reference ${path}: ${
        keys[kind].covariance
      } is no covariance (${(cause as Error).message})`,
      { cause },
    );
  }
}

/** The content of an `.npz` file: either kind of statistics, and pictures (`arr_0`), as guided-diffusion writes them. */
export async function archiveContent(
  path: string,
): Promise<ReadonlySet<keyof typeof keys | "pictures">> {
  const arrays = await arrayChecksums(path);
  const has = (...wanted: string[]) => wanted.every((name) => arrays.has(name));
  const kinds = ["pooled", "spatial"] as const;
  const statistics = kinds.filter((kind) => has(...Object.values(keys[kind])));
  return new Set([...statistics, ...has("arr_0") ? ["pictures" as const] : []]);
}

/** Whether a file is read for its statistics: it has them, or it has no pictures to compute them from. */
export const givesStatistics = (
  content: Awaited<ReturnType<typeof archiveContent>>,
  kind: keyof typeof keys,
): boolean => content.has(kind) || !content.has("pictures");
