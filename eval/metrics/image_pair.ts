/**
 * The inputs of every full-reference metric: two tensors of the same shape, one
 * image `[C, H, W]` or a batch of them `[B, C, H, W]`.
 */

import { describe, sameShape, type Tensor } from "@dip-go/core/tensor";

/** The sizes of two equally shaped image batches; `B` is 1 for `[C, H, W]`. */
export interface ImagePairSizes {
  B: number;
  C: number;
  H: number;
  W: number;
}

/**
 * Sizes of two image tensors of the same shape, `[C, H, W]` or `[B, C, H, W]`.
 *
 * @throws {TypeError} If the shapes differ or are of another rank; the message
 * opens with "Cannot compute `metric`".
 */
export function imagePairSizes(
  metric: string,
  a: Tensor<"float32">,
  b: Tensor<"float32">,
): ImagePairSizes {
  if (!sameShape(a.shape, b.shape)) {
    throw new TypeError(
      `Cannot compute ${metric}: images are ${describe(a)} and ${
        describe(b)
      }, expected equal shapes`,
    );
  }
  if (a.shape.length !== 3 && a.shape.length !== 4) {
    throw new TypeError(
      `Cannot compute ${metric}: images are ${
        describe(a)
      }, expected [C,H,W] or [B,C,H,W]`,
    );
  }
  const [W, H, C, B = 1] = a.shape.toReversed();
  return { B, C, H, W };
}
