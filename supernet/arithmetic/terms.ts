/** Linear combinations as nodes, with numbers or inputs of the graph as factors. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";
import { type Coefficient, factorShape } from "../gates/payloads.ts";

/** A value that is emitted when it is read. */
export type Lazy = () => Value;

/** A constant, or an input of the graph. */
export type Factor = Coefficient | Value;

/** A factor and the value that it multiplies. */
export type Term = readonly [Factor, Lazy];

/** Terms whose values and factors are fed as `held.k` and `factor.k`. */
export const termInputs = (
  count: number,
  input: (name: string) => Value,
): Term[] =>
  Array.from({ length: count }, (_, k) => [
    input(`factor.${k}`),
    () => input(`held.${k}`),
  ]);

const isValue = (factor: Factor): factor is Value =>
  typeof factor === "object" && "dtype" in factor;

/** The node of a factor that multiplies a value. */
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

/** Σ factor · value; terms with a constant factor 0 are not read if there are others. */
export function combination(g: GraphBuilder, terms: readonly Term[]): Value {
  const some = terms.filter(([factor]) => factor !== 0);
  return (some.length > 0 ? some : terms.slice(0, 1))
    .map(([factor, value]) =>
      factor === 1 ? value() : g.mul(value(), factorOf(g, factor, value()))
    )
    .reduce((sum, part) => g.add(sum, part));
}
