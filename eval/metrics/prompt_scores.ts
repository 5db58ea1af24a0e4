/** Scores of how well pictures show their prompts, by features of a contrastive pair. */
import { cosine } from "./networks/clip/contrastive_pair.ts";

/**
 * The CLIP score (Hessel et al., 2021) of each picture with its prompt, as
 * papers on text-to-image models report it: 100 times the cosine, floored at 0.
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

/**
 * Scores each picture 1 if its own prompt is the nearest by cosine of all the
 * evaluated prompts, else 0. Prompts may fit several pictures, so that even
 * pictures made from the prompts by a renderer stay below 1.
 *
 * @param pictures Features, one of each picture.
 * @param prompts Features of the pictures' prompts, in the same order; a prompt given twice counts as one.
 */
export function promptAccuracy(
  pictures: readonly Float32Array[],
  prompts: readonly Float32Array[],
): number[] {
  return pictures.map((picture, i) => {
    const similarities = prompts.map((prompt) => cosine(prompt, picture));
    return similarities[i] === Math.max(...similarities) ? 1 : 0;
  });
}
