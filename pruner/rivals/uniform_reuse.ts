/**
 * Whole-step reuse at even spacing: as many evenly spaced model calls as fit,
 * the last prediction held in between. DiP-GO's table 1 has it as "PLMS skip";
 * its published gates come close to it.
 */
import { uniformSteps, wholeStepGates } from "../search/whole_steps.ts";
import { patternMethod } from "./pattern_method.ts";

/** The most evenly spaced calls that fit. */
export const uniformReuse = patternMethod(
  "uniform-reuse",
  (net, i) => wholeStepGates(net, uniformSteps(net.steps + 1 - i, net.steps)),
);
