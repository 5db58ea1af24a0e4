/** Linear combinations as nodes: said once, with numbers or with inputs of the graph as factors. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";
import { type Coefficient, factorShape } from "../gates/payloads.ts";

/** A value made when it is first read. */
export type Lazy = () => Value;

/** Makes the value once. */
export function lazy(make: Lazy): Lazy {
  let value: Value | undefined;
  return () => value ??= make();
}

/** A constant, or an input of the graph. */
export type Factor = Coefficient | Value;

/** A factor and what it multiplies. */
export type Term = readonly [Factor, Lazy];

/** Values of one shape and their factors as inputs, `held.k` and `factor.k`; a factor of null is 1. */
export const termInputs = (
  g: GraphBuilder,
  factors: readonly (readonly number[] | null)[],
  shape: readonly number[],
): Term[] =>
  factors.map((own, k) => [
    own ? g.input(`factor.${k}`, "float32", own) : 1,
    lazy(() => g.input(`held.${k}`, "float32", shape)),
  ]);

const isValue = (factor: Factor): factor is Value =>
  typeof factor === "object" && "dtype" in factor;

/** A factor of a value as nodes have it. */
export const factorOf = (
  g: GraphBuilder,
  factor: Factor,
  { shape }: Value,
): Value => {
  if (isValue(factor)) return factor;
  return typeof factor === "number"
    ? g.scalar(factor)
    : g.constant(float32(factorShape(factor, shape), [...factor]));
};

/** Σ factor · value; terms of a constant 0 are not read where there are others. */
export function combination(g: GraphBuilder, terms: readonly Term[]): Value {
  const some = terms.filter(([factor]) => factor !== 0);
  return (some.length > 0 ? some : terms.slice(0, 1))
    .map(([factor, value]) =>
      factor === 1 ? value() : g.mul(value(), factorOf(g, factor, value()))
    )
    .reduce((sum, part) => g.add(sum, part));
}
