/** The halves of guidance as nodes: the rows of one half, both joined, and a half filled in by its payload. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import type { Held } from "@dip-go/core/models";
import { combination, type Term } from "./terms.ts";

/** The rows of a half, `[2B, …]` → `[B, …]`, the conditional half first. */
export function halfRows(
  g: GraphBuilder,
  x: Value,
  half: "conditional" | "unconditional",
): Value {
  const batch = x.shape[0] / 2;
  const from = half === "conditional" ? 0 : batch;
  return g.slice(x, { axes: [0], starts: [from], ends: [from + batch] });
}

/** Joins both halves, `[B, …]` each → `[2B, …]`. */
export const bothRows = (
  g: GraphBuilder,
  conditional: Value,
  other: Value,
): Value => g.concat([conditional, other], { axis: 0 });

/**
 * Joins a computed conditional half c with the other half u, which its payload
 * makes: u = Σ_j f_j u_j, or u = c + Σ_j f_j (u_j − c_j) if the residual is held.
 *
 * @param conditional c, `[B, …]`.
 * @param options.terms Factors f_j and values (c_j, u_j) `[2B, …]`.
 */
export function filledHalves(
  g: GraphBuilder,
  conditional: Value,
  { held, terms }: { readonly held: Held; readonly terms: readonly Term[] },
): Value {
  const own = terms.map(([factor, value]): Term => [factor, () => {
    const other = halfRows(g, value(), "unconditional");
    return held === "output"
      ? other
      : g.sub(other, halfRows(g, value(), "conditional"));
  }]);
  const kept: readonly Term[] = held === "output"
    ? own
    : [[1, () => conditional], ...own];
  return bothRows(g, conditional, combination(g, kept));
}
