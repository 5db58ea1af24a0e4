/**
 * The source of a family file's weights: a function from a key and the shape
 * that the configuration calls for to data, a file range, or nothing (a model
 * that is only measured).
 */
import type { FileRange } from "../../onnx/graph.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** @throws If the key is missing or its tensor has another shape. */
export type WeightSource = (
  key: string,
  shape: readonly number[],
) => {
  readonly data?: Tensor;
  readonly file?: FileRange;
};

/** A source without data, for models that are measured, not run. */
export const noWeights: WeightSource = () => ({});
