/**
 * From scores to a SubNet within a MACs budget (DiP-GO, Algorithm 1): gates
 * whose score is below a threshold are closed, and the threshold is bisected.
 * Every budget is fitted from the same scores.
 */
import type { Gate, Gates } from "../supernet/gates.ts";
import { subNetMacs } from "../supernet/liveness.ts";
import type { SuperNet } from "../supernet/super_net.ts";

/** `[T, N]`, higher means keep. */
export type Scores = readonly (readonly number[])[];

/** Gates of a set of open ones: row 0 is dense, and a step whose prediction is held computes nothing. */
export function gatesOf(
  net: SuperNet,
  isOpen: (t: number, n: number) => boolean,
): Gates {
  const whole = net.units.length - 1;
  return Array.from({ length: net.steps }, (_, t) => {
    const called = t === 0 || isOpen(t, whole);
    return net.units.map((_, n): Gate =>
      t === 0 || (called && isOpen(t, n)) ? 1 : 0
    );
  });
}

/**
 * The SubNet of the lowest threshold that fits, then, from the best score down,
 * every further gate that still fits.
 *
 * @param maxMacs Budget over all steps, total convention; never exceeded.
 * @throws {RangeError} If one model call alone exceeds it.
 */
export function fitBudget(
  net: SuperNet,
  scores: Scores,
  maxMacs: number,
): Gates {
  const ranked = scores
    .flatMap((row, t) => row.map((score, n) => ({ t, n, score })))
    .filter(({ t }) => t > 0)
    .sort((a, b) => b.score - a.score);
  const open = new Set<string>();
  const gates = () => gatesOf(net, (t, n) => open.has(`${t},${n}`));
  const openFirst = (count: number) => {
    open.clear();
    for (const { t, n } of ranked.slice(0, count)) open.add(`${t},${n}`);
    return gates();
  };
  const least = subNetMacs(net, openFirst(0));
  if (least > maxMacs) {
    throw new RangeError(
      `Cannot fit a SubNet of ${net.model.model}: one model call takes ${least} MACs, the budget is ${maxMacs}`,
    );
  }
  // The MACs are not quite monotonic in the count (an open step can revive backups), so what is bisected stays checked.
  let [fits, exceeds] = [0, ranked.length + 1];
  while (exceeds - fits > 1) {
    const middle = (fits + exceeds) >> 1;
    if (subNetMacs(net, openFirst(middle)) <= maxMacs) fits = middle;
    else exceeds = middle;
  }
  openFirst(fits);
  for (const { t, n } of ranked.slice(fits)) {
    open.add(`${t},${n}`);
    if (subNetMacs(net, gates()) > maxMacs) open.delete(`${t},${n}`);
  }
  return gates();
}
