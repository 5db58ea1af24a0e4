/**
 * The sparsity loss L_s of DiP-GO (equation 3): the cost of the open gates, and the
 * measure by which training decides to leave L_s out.
 */
import {
  denseCost,
  type Gates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { gateCosts } from "../budget/gate_costs.ts";
import { sum } from "../numbers.ts";
import type { NetworkSearchOptions } from "../search_settings.ts";

/** One definition of L_s: its gradient and its measure. */
export interface SparsityLoss {
  /** α dL_s/dg of each unit, `[N]`, the same at every step. */
  readonly pressure: readonly number[];
  /** The measure of gates that training compares with `stop`. */
  measured(gates: Gates): number;
}

/**
 * L_s of the first N = `count` units of a SuperNet, with γ_k the share of one model
 * call that closing unit k saves, or 1.
 *
 * - `equation-3`: L_s = 1/(N T) Σ γ_k g_k, which is also the measure.
 * - `companion`, from the authors' code: L_s = 1/(T − 1) Σ γ_k g_k after the first
 *   step; the measure is the share of the cost that is left once gates cascade.
 * - `relative`: L_s of equation 3; the measure is L_s over the full model's L_s.
 */
export function sparsityLoss(
  net: SuperNet,
  { sparsityLoss: reading, gamma, alpha }: Pick<
    NetworkSearchOptions,
    "sparsityLoss" | "gamma" | "alpha"
  >,
  count: number,
): SparsityLoss {
  const { steps } = net;
  const shares = gateCosts(net).slice(0, count).map((cost) => gamma ? cost : 1);
  if (reading === "companion") {
    const dense = denseCost(net);
    return {
      pressure: shares.map((share) => alpha * share / (steps - 1)),
      measured: (gates) =>
        new OpenGates(net, gates, { cascade: true }).cost / dense,
    };
  }
  const mean = sum(shares) / count;
  const scale = reading === "relative" ? mean : 1;
  return {
    pressure: shares.map((share) => alpha * share / (steps * count)),
    measured: (gates) =>
      sum(gates.flatMap((row) => shares.map((share, n) => row[n] * share))) /
      (steps * count) / scale,
  };
}
