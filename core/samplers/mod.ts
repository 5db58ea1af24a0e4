/**
 * Samplers: a diffusers scheduler config becomes steps, each a linear combination
 * of latents and predictions. A scheduler has a file in `schedulers/`;
 * `make_sampler.ts` lists them.
 */
export type { AnotherSolver } from "./another_solver.ts";
export {
  makeSampler,
  samplerClasses,
  type SamplerKind,
  samplerKinds,
  type StepChoice,
} from "./make_sampler.ts";
export {
  type AlignedSteps,
  alignedSteps,
} from "./schedule/align_your_steps.ts";
export {
  addsNoise,
  type Clip,
  type Sampler,
  type SamplerStep,
} from "./sampler.ts";
export {
  drawStepNoise,
  nextState,
  type PastStep,
  predictionFor,
  refuseThresholding,
  type SamplerState,
  startState,
  stateAfter,
  type StepInputs,
  type StepNoise,
} from "./sampler_state.ts";
export { noiseConfig } from "./schedule/noise_config.ts";
export {
  addNoise,
  getVelocity,
  makeNoiseSchedule,
  type NoiseSchedule,
} from "./schedule/noise_schedule.ts";
export {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "./schedule/read_scheduler_config.ts";
export type { SchedulerConfig } from "./schedule/scheduler_config.ts";
export { type TrainedNoise, trainedNoise } from "./trained_noise.ts";
