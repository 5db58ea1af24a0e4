/** Inception's features of pictures, for FID, KID, sFID, precision and recall. */
import { openWeights } from "@dip-go/core/models";
import type { Picture } from "@dip-go/core/pictures";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { joined } from "@dip-go/core/tensor";
import { inceptionGraph, inceptionParameters } from "./inception.ts";
import { type FidConvention, inceptionInput } from "./inception_inputs.ts";
import type { Features } from "../../sets/feature_statistics.ts";

/** The features of N pictures. */
export interface InceptionRows {
  /** `[N, 2048]` */
  readonly pooled: Features;
  /** `[N, 2023]` */
  readonly spatial: Features;
}

/** The loaded network. Hold it with `await using`. */
export class InceptionFeatures implements AsyncDisposable {
  /** @internal Use {@linkcode openInceptionFeatures}. */
  constructor(private readonly session: Session) {}

  /**
   * Computes the features of pictures, one after another.
   *
   * @param pictures `[H, W, 3]` each, of any sizes.
   * @throws {RangeError} If there is no picture.
   */
  async of(
    pictures: Iterable<Picture> | AsyncIterable<Picture>,
    convention: FidConvention,
  ): Promise<InceptionRows> {
    const rows = await Array.fromAsync(
      pictures,
      (picture) =>
        this.session.run({ pictures: inceptionInput(picture, convention) }),
    );
    if (rows.length === 0) {
      throw new RangeError("Cannot take features: found no picture");
    }
    const all = (name: string) =>
      joined(rows.map((row) => row[name] as Features));
    return { pooled: all("pooled"), spatial: all("spatial") };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.session.close();
  }
}

/** Weights of the checkpoint that are not read: the classifier's layer, and counts of training batches. */
const ignored = /^fc\.|\.num_batches_tracked$/;

/**
 * Opens the network.
 *
 * @param path Weights, `pt_inception-2015-12-05-6726825d.pth`, which pytorch-fid publishes, or the same as safetensors.
 * @param options `narrow`: as for `inceptionGraph`.
 * @throws As `openWeights`.
 */
export async function openInceptionFeatures(
  path: string,
  { narrow = 1, ...options }: SessionOptions & { narrow?: number } = {},
): Promise<InceptionFeatures> {
  const weights = openWeights(path, inceptionParameters(narrow), { ignored });
  const graph = inceptionGraph(weights, { narrow });
  return new InceptionFeatures(await openSession(graph, options));
}
