/** The error that searches by gradient lower: the mean over pictures of the log of their mean squared error, which is their PSNR. */
import { meanSquaredError, rowsOf, sum } from "../numbers.ts";

/** What is compared, flat: B pictures, or their latents, `[B, ...]`. */
export interface Compared {
  readonly found: Float32Array;
  readonly target: Float32Array;
  /** B. */
  readonly pictures: number;
  /** Added to each squared error: keeps the log finite, and an exact picture from counting for all. */
  readonly floor: number;
}

/** Of each picture, its squared error with the floor. */
function errorsOf({ found, target, pictures, floor }: Compared): number[] {
  const targets = rowsOf(target, pictures);
  return rowsOf(found, pictures).map((own, b) =>
    meanSquaredError(own, targets[b]) + floor
  );
}

export const logError = (compared: Compared): number =>
  sum(errorsOf(compared).map(Math.log)) / compared.pictures;

/** Its gradient with respect to what was found. */
export function logErrorGradient(compared: Compared): Float32Array {
  const { found, target } = compared;
  const errors = errorsOf(compared);
  const size = found.length / errors.length;
  return found.map((value, i) =>
    2 * (value - target[i]) / (found.length * errors[Math.floor(i / size)])
  );
}
