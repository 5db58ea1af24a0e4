/** Random search over gates (DiP-GO, table 6): independent draws, of which the best is taken. */
import { randomGates } from "./fixed_patterns.ts";
import type { Propose } from "./round_search.ts";

/** A draw that knows nothing of those before it. */
export const drawAnew: Propose = ({ net, maxCost, uniform }) =>
  randomGates(net, { uniform, maxCost });
