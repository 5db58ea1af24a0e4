/** `deno task bench gpu`, apart from the other benches: packed into one script, none of them may start with it. */
export { type GpuBenchOptions, gpuLines, measureGpu } from "./gpu.ts";
