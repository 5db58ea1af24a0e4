/**
 * The judge of class-conditional samples: it finds the shape and the colour
 * that a picture shows. The share of samples with the shape and colour of their
 * class tells how well a pruned sampler still follows its classes.
 */
import type { Tensor } from "@dip-go/core/tensor";
import {
  loadPictureClassifier,
  type PictureClassifier,
} from "./picture_classifier.ts";
import { colours, shapes } from "../data/shapes.ts";

/** The two heads: the largest logit of each names the shape and the colour. */
export const shapeHeads = {
  shape: shapes.map(({ name }) => name),
  colour: colours.map(({ name }) => name),
};

/**
 * Loads the classifier that judges shapes.
 *
 * @param folder Such as `zoo/models/shapes-classifier`.
 * @throws {TypeError} If the config is not that of a classifier with the heads of `shapes.ts`.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export function loadShapesClassifier(
  folder: string,
): Promise<PictureClassifier> {
  return loadPictureClassifier(folder, shapeHeads);
}

/** The shape and the colour that a picture shows, as indices into `shapes` and `colours`. */
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
 * Returns the shares of pictures that show the shape and colour of their class.
 *
 * @param classIds The class that each picture was drawn for.
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
 * @throws {RangeError} If the images have another size, or a value that is not finite.
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
