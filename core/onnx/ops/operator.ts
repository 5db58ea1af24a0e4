/**
 * An operator as one record: the facts that the builder, the count of
 * multiply-accumulates, the gradient and the runtime need, side by side.
 */
import type { Node, Value } from "../graph.ts";
import type { Operations } from "../operations.ts";

/** A node with its inputs; an omitted optional input is null. */
export interface NodeCall {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
}

/** A node for a shape rule. */
export interface ShapeCall extends NodeCall {
  /** The first input. */
  readonly x: Value;
  /** Input i. @throws {RangeError} If it is omitted. */
  input(i: number): Value;
  /** Integers of input i, which must be a constant. */
  constant(i: number): readonly number[];
  /** @throws {RangeError} Always; the message names the node, its inputs and the reason. */
  fail(reason: string): never;
}

/** Dtype and shape of each output. */
export type ShapeRule = (
  call: ShapeCall,
) => readonly Pick<Value, "dtype" | "shape">[];

/** A node of a whole graph, for a cost rule. */
export interface MacsCall extends NodeCall {
  readonly y: Value;
  /** Whether input i is a parameter, also a rearranged or packed one (query, key and value joined). */
  isWeight(i: number): boolean;
  /** Cost of the node that computes input i. */
  costOf(i: number): Cost;
  /** Cost of the node that computes the value that input i rearranges. */
  sourceCostOf(i: number): Cost;
}

/** Multiply-accumulates of products by kind, and counts that only the convention `paper` adds. */
export interface Cost {
  readonly conv?: number;
  readonly linear?: number;
  readonly attention?: number;
  /** The count of a normalisation. */
  readonly norm?: number;
  /** The count of biases, and of a norm's affine part that is a node of its own. */
  readonly affine?: number;
}

export type MacsRule = (call: MacsCall) => Cost;

/** A node about to be rewritten for a GPU, with its inputs in the new graph. */
export interface GpuCall extends NodeCall {
  readonly g: Operations;
  readonly traits: WebgpuTraits;
}

/** Abilities of a GPU that its provider alone does not tell. */
export interface WebgpuTraits {
  /** Whether the provider's fused attention is right: it is wrong on devices whose subgroups have four threads. */
  readonly fusedAttention: boolean;
}

/** Emits the values that replace the node's outputs; undefined leaves the node unchanged. */
export type GpuRule = (call: GpuCall) => readonly Value[] | undefined;

/** A node in the backward walk: its forward values and the cotangents of its outputs. */
export interface VjpCall extends NodeCall {
  readonly g: Operations;
  /** The first input. */
  readonly x: Value;
  readonly outputs: readonly Value[];
  /** The first output. */
  readonly y: Value;
  /** Cotangent of each output; null if none flows. */
  readonly cotangents: readonly (Value | null)[];
  /** Cotangent of the first output; only rules of one output may rely on it. */
  readonly dy: Value;
  /** Whether the cotangent of input i is needed; a rule skips its work if not. */
  wants(i: number): boolean;
  /** Integers of input i, which must be a constant. */
  constant(i: number): readonly number[];
}

/**
 * One cotangent per input, null if none flows. Trailing nulls may be left out. A
 * cotangent may have the broadcast shape: the backward walk sums it back.
 */
export type Cotangents = readonly (Value | null)[];

export type VjpRule = (call: VjpCall) => Cotangents;

/** Instead of a rule: the operator costs nothing, or has no gradient. */
export const none = null;

/** Everything that this project knows of an operator. */
export interface Operator {
  /** The shape rule of the ONNX specification (opset 20) or of ONNX Runtime's contrib operators. */
  readonly shape: ShapeRule;
  readonly macs: MacsRule | typeof none;
  readonly vjp: VjpRule | typeof none;
  /** ONNX's own domain by default, or ONNX Runtime's. */
  readonly domain?: "com.microsoft";
  /** The first opset in which ONNX has the operator as we use it, if later than 17. */
  readonly opset?: number;
  /** Whether the operator only rearranges its first input, so that a weight remains a weight. */
  readonly rearranges?: true;
  /**
   * Whether the operator computes in float32 in a float16 graph: `alone` if it sums
   * or exponentiates many values, `upstream`, with all nodes that lead to it, if its
   * input has more digits than float16.
   */
  readonly float32?: "alone" | "upstream";
  /** The form on WebGPU, if ONNX Runtime's provider lacks the operator or is too coarse for a sampler. */
  readonly gpu?: GpuRule;
}
