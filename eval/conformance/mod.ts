/** This implementation against tensors that others recorded: operators, networks, samplers, whole pipelines, random numbers, metrics. */
export { type ConformanceCase, type FileRun, findCases } from "./cases.ts";
export { type Conformance, failure, judgeOf } from "./judge.ts";
