/**
 * The classifier that judges samples: which shape and which colour a picture
 * shows. The share of samples that show what was asked for says whether a
 * pruned sampler still draws the right thing.
 */
import { openWeights } from "../core/models/weight_file.ts";
import { openSession, type Session } from "../core/runtime/session.ts";
import { describe, float32, sameShape, type Tensor } from "../core/tensor.ts";
import {
  classifierGraph,
  classifierParameterShapes,
  parseClassifierConfig,
} from "./classifier_network.ts";
import { colours } from "./shapes.ts";

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

/** Index of the largest value of each row of `[B, K]`. */
function largest({ shape: [rows, width], data }: Tensor): number[] {
  const values = data as Float32Array;
  return Array.from({ length: rows }, (_, row) => {
    const logits = values.subarray(row * width, (row + 1) * width);
    return logits.indexOf(Math.max(...logits));
  });
}

/** Names shape and colour of pictures. Hold it with `await using`, or close it. */
export class Classifier implements AsyncDisposable {
  readonly #session: Session;

  /** @internal Use {@linkcode loadClassifier}. */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * @param images `[B, 3, H, W]` in [-1, 1], any B.
   * @throws {RangeError} If the shape is another, or a value is not finite.
   */
  async classify(images: Tensor<"float32">): Promise<Classified[]> {
    this.#check(images);
    const [{ shape: [batch, ...picture] }] = this.#session.graph.inputs;
    const size = images.data.length / images.shape[0];
    const found: Classified[] = [];
    for (let first = 0; first < images.shape[0]; first += batch) {
      // The last batch is filled up with black pictures.
      const data = new Float32Array(batch * size);
      data.set(images.data.subarray(first * size, (first + batch) * size));
      const logits = await this.#session.run({
        images: float32([batch, ...picture], data),
      });
      const colour = largest(logits.colour);
      largest(logits.shape).forEach((shape, i) =>
        found.push({ shape, colour: colour[i] })
      );
    }
    return found.slice(0, images.shape[0]);
  }

  /**
   * How often the pictures show what was asked for.
   *
   * @param images `[B, 3, H, W]` in [-1, 1].
   * @param classIds `[B]`.
   * @throws {RangeError} If a shape is another, or a value is not finite.
   */
  async accuracy(
    images: Tensor<"float32">,
    classIds: readonly number[],
  ): Promise<Accuracy> {
    return accuracyOf(await this.classify(images), classIds);
  }

  #check(images: Tensor<"float32">): void {
    const [{ shape: [, ...picture] }] = this.#session.graph.inputs;
    if (!sameShape(images.shape.slice(1), picture)) {
      throw new RangeError(
        `Cannot classify: images are ${
          describe(images)
        }, expected float32[B,${picture}]`,
      );
    }
    const odd = images.data.findIndex((value) => !Number.isFinite(value));
    if (odd !== -1) {
      throw new RangeError(
        `Cannot classify: element ${odd} of the images is ${
          images.data[odd]
        }, expected a finite number`,
      );
    }
  }

  /** Releases the runtime's memory. */
  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Pictures that the session takes at a time. */
const batchSize = 30;

/**
 * Loads a classifier.
 *
 * @param folder `config.json` and `model.safetensors`, such as `zoo/models/shapes-classifier`.
 * @throws {TypeError} If the config is not a classifier's of `shapes.ts`.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export async function loadClassifier(folder: string): Promise<Classifier> {
  const file = `${folder}/config.json`;
  const json: unknown = JSON.parse(await Deno.readTextFile(file));
  const config = parseClassifierConfig(json, file);
  const shapes = classifierParameterShapes(config);
  const weights = openWeights(`${folder}/model.safetensors`, shapes);
  const graph = classifierGraph(config, { weights, batch: batchSize });
  return new Classifier(await openSession(graph));
}
