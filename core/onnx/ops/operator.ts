/** What a VJP rule receives and returns. */
import type { GraphBuilder } from "../builder.ts";
import type { Node, Value } from "../graph.ts";

/** One node on the way back: its forward values and the cotangents of its outputs. */
export interface VjpCall {
  readonly g: GraphBuilder;
  readonly node: Node;
  /** Forward inputs; null where an optional one was omitted. */
  readonly inputs: readonly (Value | null)[];
  /** The first input. */
  readonly x: Value;
  readonly outputs: readonly Value[];
  /** The first output. */
  readonly y: Value;
  /** Cotangent of each output; null where none flows. */
  readonly cotangents: readonly (Value | null)[];
  /** Cotangent of the first output; only rules of one output may rely on it. */
  readonly dy: Value;
  /** Whether anyone wants the cotangent of input i: skip the work where not. */
  wants(i: number): boolean;
  /** Integers of input i, which must be a constant. */
  constant(i: number): readonly number[];
}

/**
 * One cotangent per input, null where none flows. Trailing nulls may be left
 * out. A cotangent may have the broadcast shape: the walk sums it back.
 */
export type Cotangents = readonly (Value | null)[];

export type VjpRule = (call: VjpCall) => Cotangents;
