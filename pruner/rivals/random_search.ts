/** Random search over gates (DiP-GO, table 6): independent draws, the best of which is taken. */
import { randomGates } from "./random_gates.ts";
import { type Propose, roundMethod } from "./round_search.ts";

/** A draw that knows nothing of those before it. */
export const drawAnew: Propose = ({ net, maxCost, uniform }) =>
  randomGates(net, { uniform, maxCost });

/** The best of many random draws. */
export const randomSearch = roundMethod("random-search", drawAnew);
