/** Whole experiments that take seconds, and commands as processes of their own, which tests may kill. */
export { finishCommand, setting } from "./command_process.ts";
export { figures } from "./figures.ts";
export { cpuIdentity, provenance, withTiny } from "./tiny_experiment.ts";
export { withTinySampler, writeTinyModel } from "./tiny_model.ts";
