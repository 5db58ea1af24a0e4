/** Where sampling starts, if not from noise alone, and how many of its steps that leaves. */
import type { Picture } from "../../pictures/picture.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A picture, and how much of it stays. */
export interface PictureStart {
  readonly image: Picture;
  /** Bright where the picture is drawn anew; all of it is without one. */
  readonly mask?: Picture;
  /** The part of the steps that is made, in (0, 1]: what they leave of the picture shrinks with it. As the pipeline's kind has it by default. */
  readonly strength?: number;
}

/** What another pipeline drew until a part of the noise was gone, as the base of SDXL does for its refiner. */
export interface LatentStart {
  /** A row for each picture, `[n, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** The part, in (0, 1): the other's `until`. */
  readonly from: number;
}

export type StartOptions = PictureStart | LatentStart;

/** A start with its strength, where it has one. */
export type Start =
  | PictureStart & Required<Pick<PictureStart, "strength">>
  | LatentStart;

/** @throws {RangeError} If it is no number in (0, 1]. */
export function checkStrength(strength: number): void {
  if (strength > 0 && strength <= 1) return;
  throw new RangeError(
    `Cannot start from a picture: strength is ${strength}, expected a number above 0, at most 1`,
  );
}

/**
 * How many of T steps a strength leaves out, as diffusers counts: it keeps the
 * last ⌊strength T⌋, or in some pipelines ⌈strength T⌉.
 *
 * @throws {RangeError} If it leaves no step.
 */
export function skippedSteps(
  steps: number,
  { strength, roundsUp = false }: {
    readonly strength: number;
    readonly roundsUp?: boolean;
  },
): number {
  const part = steps * strength;
  const kept = roundsUp ? steps - Math.trunc(steps - part) : Math.trunc(part);
  if (kept >= 1) return steps - kept;
  throw new RangeError(
    `Cannot start from a picture: strength ${strength} leaves none of ${steps} steps, expected at least ${
      1 / steps
    }`,
  );
}

/**
 * How many steps come before a part of the noise is gone: those at the timesteps
 * that diffusers' `denoising_end` makes.
 *
 * @param timesteps Of all steps.
 * @param options.trained Timesteps of the training.
 * @throws {RangeError} If the part is no number in (0, 1), or that is all steps or none.
 */
export function stepsUntil(
  timesteps: readonly number[],
  { part, trained }: { readonly part: number; readonly trained: number },
): number {
  const cutOff = Math.round(trained - part * trained);
  const before = timesteps.filter((timestep) => timestep >= cutOff).length;
  const parts = part > 0 && part < 1;
  if (parts && before > 0 && before < timesteps.length) return before;
  throw new RangeError(
    `Cannot part ${timesteps.length} steps at ${part}: ${before} come before it, expected some before and some after, at a number above 0 and below 1`,
  );
}
