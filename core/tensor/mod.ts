/**
 * Tensors on the host: a dtype, a shape, a typed array; batches of them, half
 * floats, NumPy files. Random numbers are apart, in `@dip-go/core/random`.
 */
export {
  firstOf,
  joined,
  joinedArrays,
  joinedChannels,
  stacked,
  unstacked,
} from "./batch.ts";
export { writeNpy } from "./npy.ts";
export { roundHalfEven } from "./rounding.ts";
export {
  bytesOf,
  bytesPerElement,
  describe,
  type DType,
  float32,
  int64,
  sameShape,
  sizeOf,
  type Tensor,
  tensor,
  zeros,
} from "./tensor.ts";
export { addInto, plus, times } from "./vectors.ts";
