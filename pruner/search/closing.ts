/** From gradient energies to gates within a budget: the gate that moves the picture least for its cost is closed first. */
import { type Gates, OpenGates, type SuperNet } from "@dip-go/supernet/gates";

/** A budget, and the effect and saving of each closed gate. */
export interface ClosingBounds {
  /** `[T, N]`. */
  readonly energies: readonly (readonly number[])[];
  /** Of each unit, `[N]`. */
  readonly costs: readonly number[];
  /** Over all steps. */
  readonly maxCost: number;
  readonly mayCloseSteps?: boolean;
}

/**
 * Open gates closed, the least energy for its cost first, until the budget holds,
 * a closed whole step with its row; then those of called steps reopened, the most
 * first, while they fit.
 *
 * @param bounds.mayCloseSteps Whether whole steps may be closed, as they are by default.
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
