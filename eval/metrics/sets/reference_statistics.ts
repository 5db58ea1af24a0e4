/** Published statistics of real pictures' features, as pytorch-fid and the ADM evaluator keep them. */
import type { Normal } from "./feature_statistics.ts";
import { readNpz } from "./npz.ts";

/** Where the statistics of a set of features are in an archive. */
const keys = {
  pooled: { mean: "mu", covariance: "sigma" },
  spatial: { mean: "mu_s", covariance: "sigma_s" },
} as const;

/**
 * The distribution of reference features in an `.npz` file.
 *
 * @param kind `pooled` for FID, `spatial` for sFID.
 * @throws {RangeError} If the file lacks them, or their shapes are not `[D]` and `[D, D]`.
 * @throws As `readNpz`.
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
  const names: string[] = [];
  const arrays = await readNpz(path, (name) => {
    names.push(name);
    return name === mean || name === covariance;
  });
  const [found, spread] = [mean, covariance].map((key) => {
    const array = arrays.get(key);
    if (array) return array;
    throw new RangeError(
      `Cannot read reference ${path}: found ${
        names.join(", ") || "nothing"
      }, expected ${mean} and ${covariance}`,
    );
  });
  const [width] = found.shape;
  const fits = found.shape.length === 1 &&
    spread.shape.join() === [width, width].join();
  if (!fits) {
    throw new RangeError(
      `Cannot read reference ${path}: ${mean} is [${found.shape}] and ${covariance} [${spread.shape}], expected [D] and [D, D]`,
    );
  }
  return { mean: found.data, covariance: spread.data };
}
