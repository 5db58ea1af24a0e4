/** `deno task bench gpu`, apart from the other benches: none of them may start in the script that `--pack` makes. */
export { type GpuBenchOptions, gpuLines, measureGpu } from "./gpu.ts";
