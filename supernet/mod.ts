/**
 * SubNets of a pipeline: a plan's gates decide which of the network's units run
 * at which step. {@linkcode openSubNet} draws pictures with one.
 */
export { openSubNet } from "./open_sub_net.ts";
export { type Plan, readPlan } from "./gates/plan.ts";
