/** Statistics: intervals of means and differences, many differences judged at once, times of functions that take turns. */
export {
  type Interval,
  meanInterval,
  pooledInterval,
  quantile,
} from "./bootstrap.ts";
export { holm } from "./holm.ts";
export { interleave, type Latency } from "./latency.ts";
