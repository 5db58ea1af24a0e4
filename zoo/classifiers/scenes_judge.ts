/**
 * The judge of text-to-image samples: it finds the coloured shapes that a
 * picture shows. The share of prompts whose objects are all found tells how
 * well a sampler, full or pruned, follows its prompts.
 */
import type { Tensor } from "@dip-go/core/tensor";
import {
  loadPictureClassifier,
  type PictureClassifier,
} from "./picture_classifier.ts";
import { kindNames } from "../data/scenes.ts";

/** The one head, with a logit for each kind of object, positive if the picture shows one. */
export const sceneHeads = { kind: kindNames };

/**
 * Loads the classifier that judges scenes.
 *
 * @param folder Such as `zoo/models/scenes-classifier`.
 * @throws {TypeError} If the config is not that of a classifier with the head `kind`.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export function loadScenesClassifier(
  folder: string,
): Promise<PictureClassifier> {
  return loadPictureClassifier(folder, sceneHeads);
}

/**
 * The kinds that pictures show, as ascending indices into `kindNames`.
 *
 * @param images `[B, 3, 64, 64]` in [-1, 1], any B.
 * @throws {RangeError} If the images have another size, or a value that is not finite.
 */
export async function kindsShown(
  classifier: PictureClassifier,
  images: Tensor<"float32">,
): Promise<number[][]> {
  const { kind } = await classifier.logits(images);
  return kind.map((logits) => [...logits.keys()].filter((k) => logits[k] > 0));
}

/** The shares of named objects and of prompts that pictures show, in [0, 1]. */
export interface PromptAccuracy {
  /** The share of named objects whose shape and colour their picture shows. */
  readonly objects: number;
  /** The share of pictures that show every named object. */
  readonly pictures: number;
  /** The share of pictures that show every named object and nothing else. */
  readonly exact: number;
}

/**
 * Compares the kinds that pictures show with the kinds that their prompts name.
 *
 * @param shown The kinds found in each picture.
 * @param asked The kinds that each picture's prompt names.
 * @throws {RangeError} If the counts differ, there is no picture, or a prompt names nothing.
 */
export function promptAccuracyOf(
  shown: readonly (readonly number[])[],
  asked: readonly (readonly number[])[],
): PromptAccuracy {
  if (shown.length !== asked.length || shown.length === 0) {
    throw new RangeError(
      `Cannot judge ${shown.length} pictures: found ${asked.length} prompts, expected one a picture, and at least one`,
    );
  }
  const empty = asked.findIndex((kinds) => kinds.length === 0);
  if (empty !== -1) {
    throw new RangeError(
      `Cannot judge ${shown.length} pictures: prompt ${empty} names no object, expected at least one`,
    );
  }
  const found = asked.map((kinds, i) =>
    kinds.filter((kind) => shown[i].includes(kind)).length
  );
  const isComplete = (i: number) => found[i] === asked[i].length;
  const isExact = (i: number) =>
    isComplete(i) && shown[i].length === asked[i].length;
  const share = (isRight: (i: number) => boolean) =>
    asked.filter((_, i) => isRight(i)).length / asked.length;
  const named = asked.flat().length;
  return {
    objects: found.reduce((sum, n) => sum + n, 0) / named,
    pictures: share(isComplete),
    exact: share(isExact),
  };
}
