/**
 * Whether a picture shows its prompt, by a contrastive pair: the pair
 * must find the picture's own prompt among all that are evaluated. Prompts may
 * fit several pictures, so that even pictures made from the prompts by a
 * renderer stay below 1.
 */
import { cosine } from "./networks/clip/contrastive_pair.ts";

/**
 * For each picture 1 if its own prompt is the nearest of all by cosine, else 0.
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
