/** A graph in the precision that a session or a file asks for. */
import type { Graph } from "../onnx/graph.ts";
import { halfPrecision, type HalfPrecisionOptions } from "./half_precision.ts";
import { int8Products } from "./int8/int8_products.ts";
import type { SessionOptions } from "./session_options.ts";

/** @throws {RangeError} If a weight does not fit in the precision, or its file ends before it. */
export function inPrecision(
  graph: Graph,
  { precision, int8Weights, int8Passes }: Pick<
    SessionOptions,
    "precision" | "int8Weights" | "int8Passes"
  >,
  options?: HalfPrecisionOptions,
): Graph {
  if (precision === "float16") return halfPrecision(graph, options);
  return precision === "int8"
    ? int8Products(graph, int8Weights, int8Passes)
    : graph;
}
