/** CLIP score (Hessel et al., 2021), as it is reported for text-to-image models: 100 times the cosine, floored at 0. */
import { cosine } from "./networks/clip/contrastive_pair.ts";

/**
 * The score of each picture with its prompt.
 *
 * @param pictures Features, one of each picture.
 * @param prompts Features of the pictures' prompts, in the same order.
 */
export const clipScores = (
  pictures: readonly Float32Array[],
  prompts: readonly Float32Array[],
): number[] =>
  pictures.map((picture, i) => Math.max(0, 100 * cosine(picture, prompts[i])));
