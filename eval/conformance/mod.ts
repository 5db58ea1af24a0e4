/** TODO eval/conformance */
export { type ConformanceCase, findCases } from "./cases.ts";
export type { Conformance } from "./cases/ops.ts";
