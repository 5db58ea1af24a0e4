/**
 * The sparsity loss L_s of DiP-GO (equation 3): the share of the cost that open
 * gates stand for, and the point at which the training drops it.
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

/** One reading of L_s. */
export interface SparsityLoss {
  /** α dL_s/dg of each unit, `[N]`, the same at every step. */
  readonly pressure: readonly number[];
  /** What the stop is compared with. */
  measured(gates: Gates): number;
}

/**
 * L_s of the first N units of a SuperNet, with γ_k the share of one model call
 * that closing unit k saves.
 *
 * - `equation-3`: L_s = 1/(N T) Σ γ_k g_k, which is also measured.
 * - `companion`, as the authors' code has it: L_s = 1/(T − 1) Σ γ_k g_k after the
 *   first step; measured is the cost that is left once closed gates cascade.
 * - `relative`: equation 3 over its value for the full model, so measured falls from 1.
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
