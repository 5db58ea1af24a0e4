/** This implementation against tensors that others recorded: operators, networks, samplers, random numbers, metrics. */
export { findCases } from "./cases.ts";
export type { Conformance } from "./judge.ts";
