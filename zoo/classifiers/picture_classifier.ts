/**
 * A trained classifier and its folder: `config.json` and `model.safetensors`.
 * `shapes_judge.ts` and `scenes_judge.ts` say what the logits mean.
 */
import { type Component, loadComponent } from "@dip-go/core/models";
import { openSession, type Session } from "@dip-go/core/runtime";
import { describe, float32, sameShape, type Tensor } from "@dip-go/core/tensor";
import {
  type ClassifierConfig,
  classifierConfigJson,
  classifierGraph,
  type ClassifierHeads,
  classifierParameterShapes,
  parseClassifierConfig,
} from "./classifier_network.ts";
import {
  type TrainedWeights,
  writeHalf,
  writeJson,
} from "../training/model_folder.ts";

/** The number of pictures in one run of the session. */
const batchSize = 30;

/** Runs a classifier on any number of pictures. Hold it with `await using`, or close it. */
export class PictureClassifier implements AsyncDisposable {
  readonly #session: Session;

  /** @internal Use {@linkcode loadPictureClassifier}. */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * @param images `[B, 3, H, W]` in [-1, 1], any B.
   * @returns The logits of each head, B rows of K numbers.
   * @throws {RangeError} If the images have another C, H or W, or a value that is not finite.
   */
  async logits(
    images: Tensor<"float32">,
  ): Promise<Record<string, Float32Array[]>> {
    this.#check(images);
    const heads = this.#session.graph.outputs.map(({ name }) => name);
    const rows = Object.fromEntries(
      heads.map((head) => [head, [] as Float32Array[]]),
    );
    for (let first = 0; first < images.shape[0]; first += batchSize) {
      const logits = await this.#session.run({
        images: filledBatch(images, first),
      });
      for (const head of heads) rows[head].push(...rowsOf(logits[head]));
    }
    for (const head of heads) rows[head].length = images.shape[0];
    return rows;
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

/** The batch that starts at picture `first`; grey pictures fill up the last batch. */
function filledBatch(
  { shape: [count, ...picture], data }: Tensor<"float32">,
  first: number,
): Tensor<"float32"> {
  const size = data.length / count;
  const batch = new Float32Array(batchSize * size);
  batch.set(data.subarray(first * size, (first + batchSize) * size));
  return float32([batchSize, ...picture], batch);
}

function rowsOf({ shape: [rows, width], data }: Tensor): Float32Array[] {
  const values = data as Float32Array;
  return Array.from(
    { length: rows },
    (_, row) => values.subarray(row * width, (row + 1) * width),
  );
}

/**
 * Loads a classifier.
 *
 * @param folder `config.json` and `model.safetensors`, such as `zoo/models/shapes-classifier`.
 * @param heads The heads that it must have.
 * @throws {TypeError} If the config is not that of a classifier with these heads.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export async function loadPictureClassifier(
  folder: string,
  heads: ClassifierHeads,
): Promise<PictureClassifier> {
  const { config, weights } = await loadClassifier(folder, heads);
  const graph = classifierGraph(config, { weights, batch: batchSize });
  return new PictureClassifier(await openSession(graph));
}

/**
 * Loads a classifier's config and weights.
 *
 * @throws The errors of {@linkcode loadPictureClassifier}.
 */
export const loadClassifier = (
  folder: string,
  heads: ClassifierHeads,
): Promise<Component<ClassifierConfig>> =>
  loadComponent(folder, {
    weightFile: "model.safetensors",
    parse: (json, file) => parseClassifierConfig(json, { file, heads }),
    parameters: classifierParameterShapes,
  });

/** Writes the folder that {@linkcode loadPictureClassifier} reads, weights in half precision. */
export async function writePictureClassifier(
  folder: string,
  { config, ...trained }: TrainedWeights & { config: ClassifierConfig },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await writeJson(`${folder}/config.json`, classifierConfigJson(config));
  await writeHalf(`${folder}/model.safetensors`, trained);
}
