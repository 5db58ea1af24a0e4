/** CLIP score (Hessel et al., 2021), as it is reported for text-to-image models: 100 times the cosine, floored at 0. */
import { cosine } from "./networks/clip/contrastive_pair.ts";

/**
 * The score of each picture with its prompt.
 *
 * @param pictures Features, one of each picture.
 * @param prompts Features of the pictures' prompts, in the same order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { clipScores } from "@dip-go/eval";
 *
 * const picture = Float32Array.of(3, 4);
 * const prompts = [[6, 8], [0, 1], [-3, -4]].map((p) => Float32Array.from(p));
 * const scores = clipScores([picture, picture, picture], prompts);
 * assertEquals(scores, [100, 80, 0]);
 * ```
 */
export const clipScores = (
  pictures: readonly Float32Array[],
  prompts: readonly Float32Array[],
): number[] =>
  pictures.map((picture, i) => Math.max(0, 100 * cosine(picture, prompts[i])));
