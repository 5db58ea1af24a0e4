/** The commands, one file each, as functions of their arguments that a test can call. */
export { benchCommand } from "./bench.ts";
export { packGpuBench } from "./bench_gpu/gpu_pack.ts";
export { exportCommand } from "./export.ts";
export { generateCommand } from "./generate.ts";
export { command, finish } from "./options/command.ts";
export { path, whole } from "./options/option_table.ts";
