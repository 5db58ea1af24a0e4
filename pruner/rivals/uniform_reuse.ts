/**
 * Whole-step reuse at even spacing: as many evenly spaced model calls as fit,
 * the last prediction held in between. DiP-GO's table 1 has it as "PLMS skip";
 * its published gates come close to it.
 */
import { uniformSteps, wholeStepGates } from "../search/whole_steps.ts";
import { keyMethod } from "./key_method.ts";

/** As many evenly spaced calls as fit. */
export const uniformReuse = keyMethod("uniform-reuse", {
  keys: (i, steps) => uniformSteps(steps + 1 - i, steps),
  plan: (net, keys) => ({ gates: wholeStepGates(net, keys) }),
});
