/** TODO eval/statistics */
export { meanInterval, pairedDifference } from "./bootstrap.ts";
export { interleave, type Latency } from "./latency.ts";
