/**
 * Noise levels of flow matching (Lipman et al., arXiv 2210.02747): latents are
 * (1 − σ) clean + σ noise, and the network predicts noise − clean. Sigmas are
 * shifted towards the noise that larger pictures need (Esser et al., arXiv
 * 2403.03206, section 5.3.2), in float32 where diffusers rounds so.
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

/** Rounds each result of an arithmetic: to float32, or not at all. */
export type Round = (value: number) => number;

export const toDouble: Round = (value) => value;

/** Shifts a sigma, in an arithmetic. */
export type Shift = (sigma: number, round: Round) => number;

/** The shift to s σ / (1 + (s − 1) σ). */
export const constantShift = (shift: number): Shift => (sigma, round) =>
  round(
    round(round(shift) * sigma) / round(1 + round(round(shift - 1) * sigma)),
  );

/** The keys of a shift by the number of a picture's tokens. @param mostShift The default of `max_shift`. */
export const dynamicShiftConfig = (
  config: SchedulerConfig,
  mostShift = 1.15,
) => ({
  /** Two numbers of tokens, and the shift at each in `shifts`; linear between and beyond. */
  tokens: [
    config.optionalInteger("base_image_seq_len", 1) ?? 256,
    config.optionalInteger("max_image_seq_len", 1) ?? 4096,
  ],
  shifts: [
    config.optionalNumber("base_shift") ?? 0.5,
    config.optionalNumber("max_shift") ?? mostShift,
  ],
  shiftType: config.oneOf("time_shift_type", ["exponential", "linear"]) ??
    "exponential",
});

/** The factor by which sigmas are shifted. @throws {RangeError} If the number of tokens is not known. */
export function dynamicShift(
  { tokens, shifts, shiftType }: ReturnType<typeof dynamicShiftConfig>,
  found: number | undefined,
): number {
  if (found === undefined) {
    throw new RangeError(
      "Cannot shift sigmas: use_dynamic_shifting is true, expected the number of a picture's tokens beside it",
    );
  }
  const slope = (shifts[1] - shifts[0]) / (tokens[1] - tokens[0]);
  const mu = found * slope + (shifts[0] - slope * tokens[0]);
  return shiftType === "exponential" ? Math.exp(mu) : mu;
}

/** The shift to a / (a + 1/σ − 1). */
export const rationalShift = (a: number): Shift => (sigma, round) => {
  const inverse = round(round(1 / sigma) - 1);
  return round(round(a) / round(round(a) + inverse));
};

/** Scales all 1 − σ so that the last sigma is `end`, if there is one. */
export function stretched(
  sigmas: readonly number[],
  end: number | undefined,
  round: Round,
): readonly number[] {
  if (end === undefined) return sigmas;
  const rest = sigmas.map((sigma) => round(1 - sigma));
  const factor = round(rest[rest.length - 1] / round(1 - end));
  return rest.map((each) => round(1 - round(each / factor)));
}

/** @throws {RangeError} If there are no sigmas, or one is outside (0, 1]. */
export function checkLevels(levels: readonly number[]): void {
  const odd = levels.findIndex((sigma) => !(sigma > 0 && sigma <= 1));
  if (levels.length > 0 && odd === -1) return;
  throw new RangeError(
    `Cannot use sigmas: sigmas[${Math.max(odd, 0)}] is ${
      levels[odd]
    }, expected some above 0, at most 1`,
  );
}

/**
 * T sigmas evenly from the noisiest of the training to its cleanest, float64
 * between ends that are float32.
 *
 * @param ends Shifts the ends alone; they stay by default.
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
