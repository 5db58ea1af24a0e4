/** How sure a number is: intervals of means and of differences, many differences judged at once, and times of functions that take turns. */
export {
  type Interval,
  meanInterval,
  pooledInterval,
  quantile,
} from "./bootstrap.ts";
export { holm } from "./holm.ts";
export { interleave, type Latency } from "./latency.ts";
