/** From gradient energies to gates within a budget: the gate that moves the picture least for its cost is closed first. */
import {
  type Gate,
  type Gates,
  subNetCost,
  type SuperNet,
} from "@dip-go/supernet/gates";

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
  const closed = gates.map((row) => [...row]);
  for (const { t, n, gate } of ranked(gates, bounds)) {
    if (gate === 0) continue;
    if (subNetCost(net, closed) <= bounds.maxCost) break;
    if (n === whole) closed[t] = closed[t].map((): Gate => 0);
    else closed[t][n] = 0;
  }
  return repair(net, closed, bounds);
}

/** Gates of called steps closed, cheapest first, until they fit; then reopened, dearest first, while they fit. */
export function repair(
  net: SuperNet,
  gates: Gates,
  bounds: ClosingBounds,
): Gates {
  const whole = net.units.length - 1;
  const repaired = gates.map((row) => [...row]);
  const inner = ranked(gates, bounds)
    .filter(({ t, n }) => n !== whole && gates[t][whole] === 1);
  for (const { t, n } of inner) {
    if (subNetCost(net, repaired) <= bounds.maxCost) break;
    repaired[t][n] = 0;
  }
  for (const { t, n } of inner.toReversed()) {
    if (repaired[t][n] === 1) continue;
    repaired[t][n] = 1;
    if (subNetCost(net, repaired) > bounds.maxCost) repaired[t][n] = 0;
  }
  return repaired;
}
