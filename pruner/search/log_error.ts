/** The loss of searches by gradient: the mean over pictures of the log mean squared error, a scaled PSNR. */
import { meanSquaredError, rowsOf, sum } from "../numbers.ts";

/** B pictures or latents, and their targets, both flat `[B, ...]`. */
export interface Compared {
  readonly found: Float32Array;
  readonly target: Float32Array;
  /** The number B of pictures. */
  readonly pictures: number;
  /** The addend to each squared error: keeps the log finite, and an exact picture from counting for all. */
  readonly floor: number;
}

/** The mean squared error of each picture, plus the floor. */
function errorsOf({ found, target, pictures, floor }: Compared): number[] {
  const targets = rowsOf(target, pictures);
  return rowsOf(found, pictures).map((own, b) =>
    meanSquaredError(own, targets[b]) + floor
  );
}

export const logError = (compared: Compared): number =>
  sum(errorsOf(compared).map(Math.log)) / compared.pictures;

/** The gradient of {@linkcode logError} with respect to `found`. */
export function logErrorGradient(compared: Compared): Float32Array {
  const { found, target } = compared;
  const errors = errorsOf(compared);
  const size = found.length / errors.length;
  return found.map((value, i) =>
    2 * (value - target[i]) / (found.length * errors[Math.floor(i / size)])
  );
}
