/** The features that an embedded classifier's heads read; the metric `fid (shapes)` compares them. */
import { readJson } from "@dip-go/core/files";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { describe, float32, sameShape, type Tensor } from "@dip-go/core/tensor";
import { classifierFeatureGraph } from "./classifier_network.ts";
import { loadClassifier } from "./picture_classifier.ts";
import { sceneHeads } from "./scenes_judge.ts";
import { shapeHeads } from "./shapes_judge.ts";

/** The two kinds of pictures that the embedded models draw. */
export type DrawnKind = "shapes" | "scenes";

/** A classifier without its heads. Hold it with `await using`. */
export class PictureFeatures implements AsyncDisposable {
  /** @internal Use {@linkcode openPictureFeatures}. */
  constructor(
    private readonly session: Session,
    /** The kind of pictures that the classifier was trained on. */
    readonly kind: DrawnKind,
  ) {}

  /**
   * Returns the features `[B, D]` of pictures.
   *
   * @param images `[B, 3, H, W]` in [-1, 1], any B.
   * @throws {RangeError} If the pictures have another size than the classifier's.
   */
  async of(images: Tensor<"float32">): Promise<Tensor<"float32">> {
    const [{ shape: [, ...picture] }] = this.session.graph.inputs;
    const [count, ...found] = images.shape;
    if (!sameShape(found, picture)) {
      throw new RangeError(
        `Cannot take features: images are ${
          describe(images)
        }, expected float32[B,${picture}]`,
      );
    }
    const size = images.data.length / count;
    const [{ shape: [, width] }] = this.session.graph.outputs;
    const features = new Float32Array(count * width);
    for (let i = 0; i < count; i++) {
      const one = images.data.subarray(i * size, (i + 1) * size);
      const { features: row } = await this.session.run({
        images: float32([1, ...picture], one),
      });
      features.set(row.data as Float32Array, i * width);
    }
    return float32([count, width], features);
  }

  /** Releases the runtime's memory. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.session.close();
  }
}

/**
 * Opens a classifier without its heads.
 *
 * @param folder `zoo/models/shapes-classifier` or `zoo/models/scenes-classifier`.
 * @throws {TypeError} If the config is not that of either classifier.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export async function openPictureFeatures(
  folder: string,
  options: SessionOptions = {},
): Promise<PictureFeatures> {
  const json = await readJson(`${folder}/config.json`);
  const kind = hasKinds(json) ? "scenes" : "shapes";
  const heads = kind === "scenes" ? sceneHeads : shapeHeads;
  const { config, weights } = await loadClassifier(folder, heads);
  const graph = classifierFeatureGraph(config, { weights, batch: 1 });
  return new PictureFeatures(await openSession(graph, options), kind);
}

/** Whether a config is that of the scenes' classifier, whose one head is named `kind`. */
const hasKinds = (json: unknown): boolean =>
  Object.hasOwn((json as { heads?: object } | null)?.heads ?? {}, "kind");
