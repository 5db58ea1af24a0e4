/**
 * Turns scores into a SubNet within a budget (DiP-GO, Algorithm 1): gates with a
 * score below a threshold are closed. The paper bisects the threshold; its
 * companion code raises it in steps and closes the heaviest cascade first.
 * Every budget is fitted from the same scores.
 */
import {
  type GateReading,
  type Gates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { SearchSettings } from "../search_settings.ts";
import { gatesWhere } from "../units.ts";
import { gateCosts } from "./gate_costs.ts";

/** A score for each gate, `[T, N]`; a higher one means keep. */
export type Scores = readonly (readonly number[])[];

/** Makes gates by a rule; row 0 is dense, and a step whose prediction is held has all gates closed. */
export function gatesOf(
  net: SuperNet,
  isOpen: (t: number, n: number) => boolean,
): Gates {
  const whole = net.units.length - 1;
  return gatesWhere(
    net,
    (t, n) => t === 0 || isOpen(t, whole) && isOpen(t, n),
  );
}

export type FitKind = SearchSettings["fit"];

interface Ranked {
  readonly t: number;
  readonly n: number;
  readonly score: number;
}

/** Gates that are chosen one by one; a chosen gate opens only if its step's prediction is computed. */
class ChosenGates {
  readonly #chosen: boolean[][];
  readonly #gates: OpenGates;

  constructor(
    private readonly net: SuperNet,
    private readonly reading: GateReading,
  ) {
    const none = gatesWhere(net, (t) => t === 0);
    this.#chosen = none.map((row) => row.map(() => false));
    this.#gates = new OpenGates(net, none, reading);
  }

  get gates(): Gates {
    return this.#gates.gates;
  }

  get cost(): number {
    return this.#gates.cost;
  }

  set({ t, n }: Ranked, isOpen: boolean): void {
    const chosen = this.#chosen[t];
    const whole = this.net.units.length - 1;
    chosen[n] = isOpen;
    if (n === whole) {
      chosen.forEach((each, m) => this.#gates.set(t, m, isOpen && each));
    } else this.#gates.set(t, n, isOpen && chosen[whole]);
  }

  /**
   * Opens every gate that still fits, in the given order. If gates cascade, a unit
   * that nothing reads is closed, and waits until another unit reads it.
   */
  fill(ranked: readonly Ranked[], maxCost: number): void {
    const { cascade } = this.reading;
    const { gates } = this;
    const closed = ({ t, n }: Ranked) =>
      cascade ? gates[t][n] === 0 : !this.#chosen[t][n];
    let waiting = ranked.filter(closed);
    if (cascade) waiting.forEach((gate) => this.set(gate, false));
    for (let before = Infinity; waiting.length < before;) {
      before = waiting.length;
      waiting = waiting.filter((gate) => {
        if (cascade && !this.#gates.isRead(gate.t, gate.n)) return true;
        this.set(gate, true);
        if (this.cost > maxCost) this.set(gate, false);
        return false;
      });
    }
  }
}

/**
 * The gates that keep the best scores within a budget, filled up with every
 * further gate that still fits, from the best score down.
 *
 * @param maxCost The budget over all steps, in the unit of the SuperNet's costs; never exceeded.
 * @param kind The rule that moves the threshold.
 * @param cascade Whether units that nothing reads in their own step are closed before pricing.
 * @throws {RangeError} If one model call alone exceeds the budget.
 */
export function fitBudget(
  net: SuperNet,
  scores: Scores,
  { maxCost, kind, ...reading }:
    & { maxCost: number; kind: FitKind }
    & GateReading,
): Gates {
  const ranked: Ranked[] = scores
    .flatMap((row, t) => row.map((score, n) => ({ t, n, score })))
    .filter(({ t }) => t > 0)
    .sort((a, b) => b.score - a.score);
  const none = () => new ChosenGates(net, reading);
  const least = none().cost;
  if (least > maxCost) {
    throw new RangeError(
      `Cannot fit a SubNet of ${net.model.model}: one model call costs ${least}, the budget is ${maxCost}`,
    );
  }
  return kind === "bisection"
    ? fitByBisection(none, ranked, maxCost)
    : fitGreedily(none(), { ranked, costs: gateCosts(net), maxCost });
}

/** Fits by the lowest threshold within the budget, found as the number of gates above it. */
function fitByBisection(
  none: () => ChosenGates,
  ranked: readonly Ranked[],
  maxCost: number,
): Gates {
  const openFirst = (count: number) => {
    const open = none();
    ranked.slice(0, count).forEach((gate) => open.set(gate, true));
    return open;
  };
  // The cost is not quite monotonic in the count (an open step can revive backups), so the loop only keeps counts that fit.
  let [fits, exceeds] = [0, ranked.length + 1];
  while (exceeds - fits > 1) {
    const middle = (fits + exceeds) >> 1;
    if (openFirst(middle).cost <= maxCost) fits = middle;
    else exceeds = middle;
  }
  const open = openFirst(fits);
  open.fill(ranked, maxCost);
  return open.gates;
}

/** The threshold's step; among scores in one step, the heaviest cascade is closed first. */
const greedyStep = 0.05;

function fitGreedily(
  open: ChosenGates,
  { ranked, costs, maxCost }: {
    readonly ranked: readonly Ranked[];
    readonly costs: readonly number[];
    readonly maxCost: number;
  },
): Gates {
  const round = ({ score }: Ranked) => Math.floor(score / greedyStep);
  const byClosing = ranked.toSorted((a, b) =>
    round(a) - round(b) || costs[b.n] - costs[a.n]
  );
  ranked.forEach((gate) => open.set(gate, true));
  for (const gate of byClosing) {
    if (open.cost <= maxCost) break;
    open.set(gate, false);
  }
  open.fill(byClosing.toReversed(), maxCost);
  return open.gates;
}
