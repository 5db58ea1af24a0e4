/** A rule without a search, whose only parameter the budget decides. */
import { type Gates, subNetCost, type SuperNet } from "@dip-go/supernet/gates";
import { type Method, planned } from "../method.ts";

/**
 * The method that takes the first pattern that fits.
 *
 * @param pattern The i-th of T, from the dearest.
 * @param refusal Why the rule has no pattern on a SuperNet, if it has none.
 */
export const patternMethod = (
  name: string,
  pattern: (net: SuperNet, i: number) => Gates,
  refusal: (net: SuperNet) => string | undefined = () => undefined,
): Method => ({
  name,
  searches: false,
  fit({ net }, maxCost) {
    const note = refusal(net);
    if (note) return { kind: "none", note };
    for (let i = 1; i <= net.steps; i++) {
      const gates = pattern(net, i);
      if (subNetCost(net, gates) <= maxCost) return planned({ gates });
    }
    return { kind: "none", note: "no choice of its parameter fits the budget" };
  },
});
