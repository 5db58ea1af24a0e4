/**
 * Sources of weights: a source is a function from a key, and the shape that the
 * configuration calls for, to data, a file range, or nothing (for a model that is
 * only measured).
 */
import type { FileRange } from "../../onnx/graph.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type BlockGraph, wholeGraph } from "./block_graph.ts";

/** Returns the weight of a key. @throws If the key is missing or its tensor has another shape. */
export type WeightSource = (
  key: string,
  shape: readonly number[],
) => {
  readonly data?: Tensor;
  readonly file?: FileRange;
};

/** A source without data, for models that are measured, not run. */
export const noWeights: WeightSource = () => ({});

/** Key and shape of every weight of a model, in order of first use. @param build Builds the model's block graph. */
export const parameterShapes = (
  build: (weights: WeightSource) => BlockGraph,
): Map<string, readonly number[]> =>
  askedShapes((weights) => wholeGraph(build(weights)));

/** Key and shape of every weight that `build` asks its source for, in order of first use. */
export function askedShapes(
  build: (weights: WeightSource) => unknown,
): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const record: WeightSource = (key, shape) => {
    shapes.set(key, shape);
    return {};
  };
  build(record);
  return shapes;
}
