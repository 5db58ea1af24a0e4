/** TODO core/tensor */
export { firstOf, joined, joinedArrays, stacked, unstacked } from "./batch.ts";
export { writeNpy } from "./npy.ts";
export {
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
