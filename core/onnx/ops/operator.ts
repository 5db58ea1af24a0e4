/**
 * An operator as one record: what the builder, the count of multiply-accumulates,
 * the gradient and the runtime ask of it, side by side.
 */
import type { Node, Value } from "../graph.ts";
import type { Operations } from "../operations.ts";

/** A node with its inputs; null where an optional one is omitted. */
export interface NodeCall {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
}

/** A node whose outputs' shapes are wanted. */
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

/** A node of a whole graph whose cost is wanted. */
export interface MacsCall extends NodeCall {
  readonly y: Value;
  /** Whether input i is a parameter, rearranged or joined from several (packed query, key and value). */
  isWeight(i: number): boolean;
  /** Cost of the node that makes input i. */
  costOf(i: number): Cost;
  /** The same, of the node that makes what input i rearranges. */
  sourceCostOf(i: number): Cost;
}

/** Products by kind, and the counts that only the convention `paper` adds. */
export interface Cost {
  readonly conv?: number;
  readonly linear?: number;
  readonly attention?: number;
  /** Of a normalisation. */
  readonly norm?: number;
  /** Of biases and of an affine part that is spelled out. */
  readonly affine?: number;
}

export type MacsRule = (call: MacsCall) => Cost;

/** A node about to be written for a GPU, with its inputs in the new graph. */
export interface GpuCall extends NodeCall {
  readonly g: Operations;
  readonly traits: WebgpuTraits;
}

/** What is known of a GPU besides its provider. */
export interface WebgpuTraits {
  /** Whether its fused attention is right: the provider's is not on devices whose subgroups are of four. */
  readonly fusedAttention: boolean;
}

/** The values that stand for the node's outputs, or nothing where the node stays as it is. */
export type GpuRule = (call: GpuCall) => readonly Value[] | undefined;

/** One node on the way back: its forward values and the cotangents of its outputs. */
export interface VjpCall extends NodeCall {
  readonly g: Operations;
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

/** In place of a rule: the operator costs nothing, or has no gradient. */
export const none = null;

/** Everything that this project knows of an operator. */
export interface Operator {
  /** After its text in the ONNX specification (opset 20) or ONNX Runtime's contrib operators. */
  readonly shape: ShapeRule;
  readonly macs: MacsRule | typeof none;
  readonly vjp: VjpRule | typeof none;
  /** ONNX's own domain by default, or ONNX Runtime's. */
  readonly domain?: "com.microsoft";
  /** The opset since which ONNX has it as we use it, where that is later than 17. */
  readonly opset?: number;
  /** Whether it only rearranges its first input: a weight that it reads remains one. */
  readonly rearranges?: true;
  /**
   * Whether it computes in float32 where the rest is in float16: `alone` where it
   * sums or exponentiates many values, `upstream` with all that leads to it where
   * its input has more digits than float16.
   */
  readonly float32?: "alone" | "upstream";
  /** Its form on WebGPU, where ONNX Runtime's provider lacks it or computes it too coarsely for a sampler. */
  readonly gpu?: GpuRule;
}
