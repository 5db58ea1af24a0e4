/**
 * Noise levels of flow matching (Lipman et al., arXiv 2210.02747): latents are
 * (1 − σ) clean + σ noise, and the network predicts noise − clean. Levels are
 * shifted towards the noise that larger pictures need (Esser et al., arXiv
 * 2403.03206, section 5.3.2), in float32 where diffusers has them so.
 */
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { evenly } from "../../schedule/sigmas.ts";
import { checkStepCount } from "../../schedule/timesteps.ts";

/** The keys that all flow schedulers have. */
export const flowConfig = (config: SchedulerConfig) => ({
  numTrainTimesteps: config.integer("num_train_timesteps", 1) ?? 1000,
  shift: config.positive("shift") ?? 1,
});

export type FlowConfig = ReturnType<typeof flowConfig>;

/** Rounds each result of an arithmetic: to float32, or not beyond float64. */
export type Round = (value: number) => number;

export const toDouble: Round = (value) => value;

/** Moves a level, in an arithmetic. */
export type Shift = (sigma: number, round: Round) => number;

/** s σ / (1 + (s − 1) σ). */
export const constantShift = (shift: number): Shift => (sigma, round) =>
  round(
    round(round(shift) * sigma) / round(1 + round(round(shift - 1) * sigma)),
  );

/** a / (a + 1/σ − 1). */
export const rationalShift = (a: number): Shift => (sigma, round) => {
  const inverse = round(round(1 / sigma) - 1);
  return round(round(a) / round(round(a) + inverse));
};

/**
 * T levels evenly from the noisiest of the training to its cleanest, float64
 * between ends that are float32.
 *
 * @param ends Moves the ends alone; they stay by default.
 * @throws {RangeError} If `steps` is no count of steps.
 */
export function evenLevels(
  { numTrainTimesteps: scale }: FlowConfig,
  steps: number,
  ends: Shift = (sigma) => sigma,
): number[] {
  checkStepCount(steps, scale);
  const end = (sigma: number) => ends(Math.fround(sigma), Math.fround) * scale;
  return evenly(steps, end(1), end(1 / scale)).map((t) => t / scale);
}
