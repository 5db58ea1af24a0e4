/** How sure a number is: intervals of means and of differences, and times of functions that take turns. */
export { meanInterval, pairedDifference } from "./bootstrap.ts";
export { interleave, type Latency } from "./latency.ts";
