/** Random gates within the budget: a single draw, the floor that every search must beat, and the best of many. */
import { TorchGenerator } from "@dip-go/core/random";
import {
  denseGates,
  type Gates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { type Method, planned } from "../method.ts";
import { type Propose, roundMethod } from "./round_search.ts";

/**
 * Closes gates one by one, in random order, until the SubNet fits.
 *
 * @param uniform Draws numbers in [0, 1).
 * @param maxCost The budget over all steps, in the unit of the SuperNet's costs.
 * @param start The gates to start from; all open by default.
 * @throws {RangeError} If even the sparsest SubNet, one model call, is over the budget.
 */
export function randomGates(
  net: SuperNet,
  { uniform, maxCost, start = denseGates(net.steps, net.units.length) }: {
    uniform: () => number;
    maxCost: number;
    start?: Gates;
  },
): Gates {
  const gates = new OpenGates(net, start);
  const open = start.flatMap((row, t) =>
    t === 0 ? [] : row.flatMap((gate, n) => gate === 1 ? [{ t, n }] : [])
  );
  while (gates.cost > maxCost) {
    if (open.length === 0) {
      throw new RangeError(
        `Cannot fit random gates: one model call costs ${gates.cost}, the budget is ${maxCost}`,
      );
    }
    const pick = Math.floor(uniform() * open.length);
    const [{ t, n }] = open.splice(pick, 1);
    gates.set(t, n, false);
  }
  return gates.gates;
}

/** A single draw: the best of several would be a search. */
export const random: Method = {
  name: "random",
  searches: false,
  fit({ net, seed }, maxCost) {
    const generator = new TorchGenerator(seed);
    const uniform = () => generator.uniform();
    return planned({ gates: randomGates(net, { uniform, maxCost }) });
  },
};

/** Proposes a random draw that does not depend on earlier ones. */
export const drawAnew: Propose = ({ net, maxCost, uniform }) =>
  randomGates(net, { uniform, maxCost });

/** Random search (DiP-GO, table 6): the best of independent draws. */
export const randomSearch = roundMethod("random-search", drawAnew);
