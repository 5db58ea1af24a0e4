/** Closes gates within a budget by gradient energy: first the gate that moves the picture least for its cost. */
import { type Gates, OpenGates, type SuperNet } from "@dip-go/supernet/gates";

/** The budget, and the energy and cost of gates. */
export interface ClosingBounds {
  /** The energy of each gate, `[T, N]`. */
  readonly energies: readonly (readonly number[])[];
  /** The cost that closing each unit saves, `[N]`. */
  readonly costs: readonly number[];
  /** The budget over all steps. */
  readonly maxCost: number;
  readonly mayCloseSteps?: boolean;
}

/**
 * Closes open gates, the least energy for its cost first, until the budget holds; a
 * whole step closes with all units of its step. Then it opens closed gates of called
 * steps, the most energy for its cost first, while they fit.
 *
 * @param bounds.mayCloseSteps Whether whole steps may be closed; true by default.
 */
export function closeCheapest(
  net: SuperNet,
  gates: Gates,
  { energies, costs, maxCost, mayCloseSteps = true }: ClosingBounds,
): Gates {
  const whole = net.units.length - 1;
  const open = new OpenGates(net, gates);
  const ranked = energies.flatMap((row, t) =>
    row.map((energy, n) => ({ t, n, score: energy / costs[n] }))
  ).filter(({ t, n }) => t > 0 && (mayCloseSteps || n !== whole))
    .sort((a, b) => a.score - b.score);
  for (const { t, n } of ranked) {
    if (open.cost <= maxCost) break;
    if (n === whole) net.units.forEach((_, m) => open.set(t, m, false));
    else open.set(t, n, false);
  }
  for (const { t, n } of ranked.toReversed()) {
    if (!open.isOpen(t, whole) || open.isOpen(t, n)) continue;
    open.set(t, n, true);
    if (open.cost > maxCost) open.set(t, n, false);
  }
  return open.gates;
}
