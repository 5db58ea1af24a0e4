/**
 * The costs of GITS (arXiv 2405.11326): a trajectory keeps to a regular distance
 * from the chord between its ends, and a jump by Euler's method costs what it adds
 * to that distance.
 */
import { dot, range } from "../../numbers.ts";

/** A picture's trajectory, in the coordinates clean + sigma · epsilon. */
export interface ChordPath {
  /** The points before each of T steps, and the end. */
  readonly points: readonly Float64Array[];
  /** The noise (epsilon) that is predicted at each of the T points, the path's slope over sigma. */
  readonly slopes: readonly Float64Array[];
}

/**
 * The cost of a jump from step i to j, which may be negative; `[T][T + 1]`.
 *
 * @param sigmas The sigmas of the T points, and that of the end.
 */
export function deviationCosts(
  { points, slopes }: ChordPath,
  sigmas: readonly number[],
): number[][] {
  const end = points.at(-1)!;
  const chord = plus(end, -1, points[0]);
  const across = (vector: Float64Array) =>
    plus(vector, -dot(vector, chord) / dot(chord, chord), chord);
  const rests = points.map((point) => across(plus(end, -1, point)));
  const distances = rests.map(norm);
  return slopes.map(across).map((slope, i) =>
    sigmas.map((sigma, j) =>
      j > i ? norm(plus(rests[i], sigmas[i] - sigma, slope)) - distances[j] : 0
    )
  );
}

/** The mean of matrices of one size. */
export const meanOf = (
  matrices: readonly (readonly (readonly number[])[])[],
): number[][] =>
  matrices[0].map((row, i) =>
    range(row.length).map((j) =>
      matrices.reduce((sum, each) => sum + each[i][j], 0) / matrices.length
    )
  );

/** a + factor · b. */
const plus = (a: Float64Array, factor: number, b: Float64Array) =>
  a.map((value, e) => value + factor * b[e]);

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));
