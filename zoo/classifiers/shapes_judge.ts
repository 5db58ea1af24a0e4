/**
 * The judge of class-conditional samples: which shape and which colour a
 * picture shows. The share of samples that show what was asked for says
 * whether a pruned sampler still draws the right thing.
 */
import type { Tensor } from "@dip-go/core/tensor";
import {
  loadPictureClassifier,
  type PictureClassifier,
} from "./picture_classifier.ts";
import { colours, shapes } from "../data/shapes.ts";

/** One logit is the largest for the shape, one for the colour. */
export const shapeHeads = {
  shape: shapes.map(({ name }) => name),
  colour: colours.map(({ name }) => name),
};

/**
 * Loads the classifier that judges shapes.
 *
 * @param folder Such as `zoo/models/shapes-classifier`.
 * @throws {TypeError} If the config is not a classifier's of `shapes.ts`.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export function loadShapesClassifier(
  folder: string,
): Promise<PictureClassifier> {
  return loadPictureClassifier(folder, shapeHeads);
}

/** What a picture shows, as indices into `shapes` and `colours`. */
export interface Classified {
  readonly shape: number;
  readonly colour: number;
}

/** Fractions of pictures in [0, 1] whose shape, whose colour, and whose shape and colour are right. */
export interface Accuracy {
  readonly shape: number;
  readonly colour: number;
  readonly both: number;
}

/** The shape and colour of a class id. */
export const partsOfClass = (classId: number): Classified => ({
  shape: Math.floor(classId / colours.length),
  colour: classId % colours.length,
});

/**
 * How often what pictures show is what was asked for.
 *
 * @param classIds The class asked of each picture.
 * @throws {RangeError} If the counts differ, or there is no picture.
 */
export function accuracyOf(
  found: readonly Classified[],
  classIds: readonly number[],
): Accuracy {
  if (found.length !== classIds.length || found.length === 0) {
    throw new RangeError(
      `Cannot judge ${found.length} pictures: found ${classIds.length} class ids, expected one a picture, and at least one`,
    );
  }
  const asked = classIds.map(partsOfClass);
  const share = (isRight: (i: number) => boolean) =>
    found.filter((_, i) => isRight(i)).length / found.length;
  const shape = (i: number) => found[i].shape === asked[i].shape;
  const colour = (i: number) => found[i].colour === asked[i].colour;
  return {
    shape: share(shape),
    colour: share(colour),
    both: share((i) => shape(i) && colour(i)),
  };
}

/**
 * The shape and the colour in each picture.
 *
 * @param images `[B, 3, 24, 24]` in [-1, 1], any B.
 * @throws {RangeError} If the shape is another, or a value is not finite.
 */
export async function classifyShapes(
  classifier: PictureClassifier,
  images: Tensor<"float32">,
): Promise<Classified[]> {
  const { shape, colour } = await classifier.logits(images);
  return shape.map((logits, i) => ({
    shape: largest(logits),
    colour: largest(colour[i]),
  }));
}

const largest = (logits: Float32Array) => logits.indexOf(Math.max(...logits));
