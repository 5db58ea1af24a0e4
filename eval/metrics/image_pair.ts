/** The inputs of every full-reference metric. */
import { describe, sameShape, type Tensor } from "@dip-go/core/tensor";

/** One image `[C, H, W]`, or a batch of them `[B, C, H, W]`. */
export type Images = Tensor<"float32">;

/**
 * Sizes of two tensors of the same shape; the B of one image is 1.
 *
 * @throws {TypeError} If the shapes differ or are of another rank; the message
 * opens with "Cannot compute `metric`".
 * @throws {RangeError} If the range of values is no number above 0.
 */
export function imagePairSizes(
  metric: string,
  a: Images,
  b: Images,
  dataRange: number,
) {
  if (!(dataRange > 0 && dataRange < Infinity)) {
    throw new RangeError(
      `Cannot compute ${metric}: dataRange is ${dataRange}, expected a number above 0`,
    );
  }
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot compute ${metric}: images are ${why}`);
  };
  const [found, other] = [a, b].map(describe);
  if (!sameShape(a.shape, b.shape)) {
    refuse(`${found} and ${other}, expected equal shapes`);
  }
  if (a.shape.length !== 3 && a.shape.length !== 4) {
    refuse(`${found}, expected [C,H,W] or [B,C,H,W]`);
  }
  const [W, H, C, B = 1] = a.shape.toReversed();
  return { B, C, H, W };
}
