/** A graph with weights in 8 bits, with products in 8-bit integers or in float32. */
import type { Graph, Initializer, Node } from "../../onnx/graph.ts";
import { rewritten } from "../../onnx/rewrites/rewrite.ts";
import type { Int8Precision, SessionOptions } from "../session_options.ts";
import { ProductsInInt8, productWeight } from "./int8_products.ts";
import { roundedWeight, WeightsInInt8 } from "./int8_weights.ts";

/** The weights to put in 8 bits, and the passes of their products. */
type Int8Options = Pick<SessionOptions, "int8Weights" | "int8Passes">;

/** A function that returns the weight of a node that can be in 8 bits; undefined if it has none. */
export const int8Weight = (
  precision: Int8Precision,
): (
  graph: Pick<Graph, "initializers">,
  node: Node,
) => Initializer | undefined =>
  precision === "int8" ? productWeight : roundedWeight;

/** An emitter of one graph's nodes that read weights in 8 bits. */
export const int8Emitter = (
  precision: Int8Precision,
  passes?: Int8Options["int8Passes"],
): ProductsInInt8 | WeightsInInt8 =>
  precision === "int8" ? new ProductsInInt8(passes) : new WeightsInInt8();

/**
 * The graph with weights in 8 bits, by default all that can be. Inputs and outputs
 * do not change.
 *
 * @throws {RangeError} If a weight has no data, or its file ends before its range does.
 */
export function inInt8(
  graph: Graph,
  precision: Int8Precision,
  { int8Weights, int8Passes }: Int8Options = {},
): Graph {
  const wanted = int8Weights && new Set(int8Weights);
  const weightOf = int8Weight(precision);
  const emitter = int8Emitter(precision, int8Passes);
  return rewritten(graph, {
    rule(call) {
      const weight = weightOf(graph, call.node);
      const stays = !weight || wanted?.has(weight.name) === false;
      return stays ? undefined : [emitter.emit(call, weight)];
    },
  });
}
