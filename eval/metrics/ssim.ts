/**
 * Structural similarity (Wang et al., 2004, "Image Quality Assessment: From
 * Error Visibility to Structural Similarity"), in float64: an 11-tap Gaussian
 * window of sigma 1.5, population moments, K1 = 0.01, K2 = 0.03.
 */

import { imagePairSizes, type Images } from "./image_pair.ts";

const windowSize = 11;
const sigma = 1.5;

/**
 * The treatment of windows at the image's border: `valid` keeps only the windows
 * that lie inside the image, `same_zero_pad` surrounds it by 5 zeros and
 * averages over all H x W windows, as the DiP-GO repository's loss does.
 */
export type SsimPadding = "valid" | "same_zero_pad";

/**
 * The mean SSIM of each image, over channels and windows.
 *
 * @param a Images `[C, H, W]` or `[B, C, H, W]`.
 * @param b Images of the same shape.
 * @param options `dataRange`: the largest minus the smallest possible value, 2 for
 * images in [-1, 1]. `padding`: `valid` by default.
 * @returns One value for each image, `[B]`.
 * @throws {TypeError} If the shapes differ or the tensors are no images.
 * @throws {RangeError} If `valid` windows do not fit into the image.
 *
 * @example A picture is most like itself
 * ```ts
 * import { assert, assertAlmostEquals } from "@std/assert";
 * import { float32 } from "@dip-go/core/tensor";
 * import { ssim } from "@dip-go/eval";
 *
 * const waves = Array.from({ length: 256 }, (_, i) => Math.sin(i));
 * const image = float32([1, 16, 16], waves);
 * const faded = float32([1, 16, 16], waves.map((v) => v / 2));
 * const [same] = ssim(image, image, { dataRange: 2 });
 * const [less] = ssim(image, faded, { dataRange: 2 });
 * assertAlmostEquals(same, 1);
 * assert(less < 0.9);
 * ```
 */
export function ssim(
  a: Images,
  b: Images,
  { dataRange, padding = "valid" }: {
    dataRange: number;
    padding?: SsimPadding;
  },
): number[] {
  const { B, C, H, W } = imagePairSizes("SSIM", a, b, dataRange);
  if (padding === "valid" && Math.min(H, W) < windowSize) {
    throw new RangeError(
      `Cannot compute SSIM: images are ${H}x${W}, expected at least ${windowSize}x${windowSize} for "valid" windows`,
    );
  }
  const pad = padding === "valid" ? 0 : (windowSize - 1) / 2;
  const size = H * W;
  const planeSsim = (plane: number) => {
    const [x, y] = [a, b].map(({ data }) =>
      Float64Array.from(data.subarray(plane * size, (plane + 1) * size))
    );
    return meanSsim(x, y, { H, W, dataRange, pad });
  };
  return Array.from(
    { length: B },
    (_, n) => mean(Array.from({ length: C }, (_, c) => planeSsim(n * C + c))),
  );
}

/** Mean over the map of Wang et al., Eq. 13, of one channel `[H, W]`; `pad` zeros on each side. */
function meanSsim(
  x: Float64Array,
  y: Float64Array,
  { H, W, dataRange, pad }: {
    H: number;
    W: number;
    dataRange: number;
    pad: number;
  },
): number {
  const c1 = (0.01 * dataRange) ** 2;
  const c2 = (0.03 * dataRange) ** 2;
  const blurred = (plane: Float64Array) =>
    blurredRows(blurredRows(plane, W, pad), H, pad);
  const product = (a: Float64Array, b: Float64Array) =>
    a.map((value, i) => value * b[i]);
  const [mx, my] = [x, y].map(blurred);
  const [xx, yy, xy] = [product(x, x), product(y, y), product(x, y)]
    .map(blurred);
  return mean(mx.map((_, i) => {
    const cross = mx[i] * my[i];
    const squares = mx[i] ** 2 + my[i] ** 2;
    const variances = xx[i] + yy[i] - squares;
    const covariance = xy[i] - cross;
    return (2 * cross + c1) * (2 * covariance + c2) /
      ((squares + c1) * (variances + c2));
  }));
}

/** Blurs the rows of `[H, W]` by the Gaussian window and transposes: two calls blur along both axes. */
function blurredRows(
  data: Float64Array,
  W: number,
  pad: number,
): Float64Array {
  const H = data.length / W;
  const outW = W + 2 * pad - windowSize + 1;
  const out = new Float64Array(H * outW);
  for (let row = 0; row < H; row++) {
    for (let column = 0; column < outW; column++) {
      let sum = 0;
      for (let tap = 0; tap < windowSize; tap++) {
        const source = column + tap - pad;
        if (source >= 0 && source < W) {
          sum += gaussian[tap] * data[row * W + source];
        }
      }
      out[column * H + row] = sum;
    }
  }
  return out;
}

const gaussian = gaussianWindow();

function gaussianWindow(): number[] {
  const weights = Array.from(
    { length: windowSize },
    (_, i) => Math.exp(-((i - (windowSize - 1) / 2) ** 2) / (2 * sigma ** 2)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
