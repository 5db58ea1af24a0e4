/** TODO testing/runs */
export { finishCommand, rowsWithoutTimes, setting } from "./command_process.ts";
export { cpuIdentity, provenance, withTiny } from "./tiny_experiment.ts";
export { withTinySampler, writeTinyModel } from "./tiny_model.ts";
