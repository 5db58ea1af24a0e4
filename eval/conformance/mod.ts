/** Conformance with others' recorded tensors: operators, networks, samplers, pipelines, random numbers, metrics. */
export { type ConformanceCase, type FileRun, findCases } from "./cases.ts";
export { type Conformance, failure, judgeOf, type Limits } from "./judge.ts";
