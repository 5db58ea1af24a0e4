/** Parameter shapes of a model: it is built once with a source that takes notes. */
import { type BlockGraph, wholeGraph } from "./block_graph.ts";
import type { WeightSource } from "./weights.ts";

/**
 * Key and shape of every weight of a model, in the order of first use.
 *
 * @param build The family's function from weights to block graph.
 */
export function parameterShapes(
  build: (weights: WeightSource) => BlockGraph,
): Map<string, readonly number[]> {
  return askedShapes((weights) => wholeGraph(build(weights)));
}

/** Key and shape of every weight that building something asks for, in that order. */
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
