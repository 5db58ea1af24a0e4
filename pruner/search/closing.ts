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
}

/** Gates after the first step, cheapest energy for its cost first. */
function ranked(gates: Gates, { energies, costs }: ClosingBounds) {
  return gates.slice(1)
    .flatMap((row, i) =>
      row.map((gate, n) => {
        const t = i + 1;
        return { t, n, gate, score: energies[t][n] / costs[n] };
      })
    )
    .sort((a, b) => a.score - b.score);
}

/**
 * Open gates closed, cheapest first, until the budget holds; a closed whole
 * step closes its row. Then {@linkcode repair}ed to fill it.
 */
export function closeCheapest(
  net: SuperNet,
  gates: Gates,
  bounds: ClosingBounds,
): Gates {
  const whole = net.units.length - 1;
  const closed = new OpenGates(net, gates);
  for (const { t, n, gate } of ranked(gates, bounds)) {
    if (gate === 0) continue;
    if (closed.cost <= bounds.maxCost) break;
    if (n === whole) net.units.forEach((_, m) => closed.set(t, m, false));
    else closed.set(t, n, false);
  }
  return repair(net, closed.gates, bounds);
}

/** Gates of called steps closed, cheapest first, until they fit; then reopened, dearest first, while they fit. */
export function repair(
  net: SuperNet,
  gates: Gates,
  bounds: ClosingBounds,
): Gates {
  const whole = net.units.length - 1;
  const repaired = new OpenGates(net, gates);
  const inner = ranked(gates, bounds)
    .filter(({ t, n }) => n !== whole && gates[t][whole] === 1);
  for (const { t, n } of inner) {
    if (repaired.cost <= bounds.maxCost) break;
    repaired.set(t, n, false);
  }
  for (const { t, n } of inner.toReversed()) {
    if (repaired.isOpen(t, n)) continue;
    repaired.set(t, n, true);
    if (repaired.cost > bounds.maxCost) repaired.set(t, n, false);
  }
  return repaired.gates;
}
