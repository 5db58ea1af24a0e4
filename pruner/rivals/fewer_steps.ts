/** The same sampler with fewer steps: the baseline of every paper, DiP-GO's table 1 among them. */
import { denseCost } from "@dip-go/supernet/gates";
import { type Method, noPlan } from "../method.ts";

/** The sampler with as many steps as the budget pays for. */
export const fewerSteps: Method = {
  name: "fewer-steps",
  unplanned: "its result is the full sampler with fewer steps",
  searches: false,
  fit({ net, calls }, maxCost) {
    const call = denseCost(net) / net.steps;
    for (let steps = net.steps; steps > 0; steps--) {
      if (calls(steps) * call <= maxCost) return { kind: "steps", steps };
    }
    return noPlan("one step exceeds the budget");
  },
};
