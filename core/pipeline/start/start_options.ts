/** The start of sampling, if it is not noise alone, and the number of steps that it leaves. */
import type { Picture } from "../../pictures/picture.ts";
import { roundHalfEven } from "../../tensor/rounding.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A picture to start from, and how much of it stays. */
export interface PictureStart {
  readonly image: Picture;
  /** A mask, bright where the picture is drawn anew; by default all of it is. */
  readonly mask?: Picture;
  /** The part of the steps that is made, in (0, 1]; more steps keep less of the picture. The kind's by default. */
  readonly strength?: number;
}

/** Latents that another pipeline drew until a part of the noise was gone, as SDXL's base does for its refiner. */
export interface LatentStart {
  /** A row for each picture, `[n, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** The part of the noise that is gone, in (0, 1): the other pipeline's `until`. */
  readonly from: number;
}

export type StartOptions = PictureStart | LatentStart;

/** A start, with its strength if it is a picture. */
export type Start =
  | PictureStart & Required<Pick<PictureStart, "strength">>
  | LatentStart;

/** @throws {RangeError} If the strength is no number in (0, 1]. */
export function checkStrength(strength: number): void {
  if (strength > 0 && strength <= 1) return;
  throw new RangeError(
    `Cannot start from a picture: strength is ${strength}, expected a number above 0, at most 1`,
  );
}

/**
 * The number of T steps that a strength leaves out, as diffusers counts: the
 * last ⌊strength T⌋ are kept, or in some pipelines ⌈strength T⌉.
 *
 * @throws {RangeError} If the strength keeps no step.
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
 * The number of steps that come before a part of the noise is gone: the steps
 * at the timesteps that diffusers' `denoising_end` keeps.
 *
 * @param timesteps The timesteps of all steps.
 * @param options.trained The number of timesteps of the training.
 * @throws {RangeError} If the part is no number in (0, 1), or the result is all steps or none.
 */
export function stepsUntil(
  timesteps: readonly number[],
  { part, trained }: { readonly part: number; readonly trained: number },
): number {
  const cutOff = roundHalfEven(trained - part * trained);
  const before = timesteps.filter((timestep) => timestep >= cutOff).length;
  const parts = part > 0 && part < 1;
  if (parts && before > 0 && before < timesteps.length) return before;
  throw new RangeError(
    `Cannot part ${timesteps.length} steps at ${part}: ${before} come before it, expected some before and some after, at a number above 0 and below 1`,
  );
}
