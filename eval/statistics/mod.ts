/** Statistics: intervals of means and differences, many differences judged at once, latencies of functions. */
export {
  type Interval,
  meanInterval,
  pooledInterval,
  quantile,
} from "./bootstrap.ts";
export { holm } from "./holm.ts";
export { interleave, type Latency } from "./latency.ts";
