/** A graph in the precision that a session or a file asks for. */
import type { Graph } from "../onnx/graph.ts";
import { halfPrecision, type HalfPrecisionOptions } from "./half_precision.ts";
import { inInt8 } from "./int8/in_int8.ts";
import type { SessionOptions } from "./session_options.ts";

/** @throws {RangeError} If a weight does not fit in the precision, or its file ends before its range does. */
export function inPrecision(
  graph: Graph,
  { precision = "float32", ...eight }: Pick<
    SessionOptions,
    "precision" | "int8Weights" | "int8Passes"
  >,
  options?: HalfPrecisionOptions,
): Graph {
  if (precision === "float32") return graph;
  return precision === "float16"
    ? halfPrecision(graph, options)
    : inInt8(graph, precision, eight);
}
