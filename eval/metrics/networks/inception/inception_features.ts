/** Inception's features of pictures, for FID, KID, sFID, precision and recall. */
import { inceptionGraph } from "./inception.ts";
import { loadInception } from "./inception_load.ts";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { type FidConvention, inceptionInput } from "./inception_inputs.ts";
import type { Picture } from "@dip-go/core/pictures";

/** Features of N pictures. */
export interface InceptionRows {
  /** `[N, 2048]` */
  readonly pooled: Tensor<"float32">;
  /** `[N, 2023]` */
  readonly spatial: Tensor<"float32">;
}

/** The loaded network. Hold it with `await using`. */
export class InceptionFeatures implements AsyncDisposable {
  /** @internal Use {@linkcode openInceptionFeatures}. */
  constructor(private readonly session: Session) {}

  /**
   * The features of pictures, one after another.
   *
   * @param pictures `[H, W, 3]` each, of any sizes.
   * @throws {RangeError} If there is no picture.
   */
  async of(
    pictures:
      | Iterable<Picture>
      | AsyncIterable<Picture>,
    convention: FidConvention,
  ): Promise<InceptionRows> {
    const pooled: Float32Array[] = [];
    const spatial: Float32Array[] = [];
    for await (const picture of pictures) {
      const features = await this.session.run({
        pictures: inceptionInput(picture, convention),
      });
      pooled.push(features.pooled.data as Float32Array);
      spatial.push(features.spatial.data as Float32Array);
    }
    return { pooled: rowsOf(pooled), spatial: rowsOf(spatial) };
  }

  /** Releases the runtime's memory. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.session.close();
  }
}

function rowsOf(rows: readonly Float32Array[]): Tensor<"float32"> {
  if (rows.length === 0) {
    throw new RangeError("Cannot take features: found no picture");
  }
  const [{ length: width }] = rows;
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => data.set(row, i * width));
  return float32([rows.length, width], data);
}

/**
 * Opens the network.
 *
 * @param path Weights, as for `loadInception`.
 * @param narrow As in `InceptionConfig`.
 * @throws As `loadInception`.
 */
export async function openInceptionFeatures(
  path: string,
  { narrow = 1, ...options }: SessionOptions & { narrow?: number } = {},
): Promise<InceptionFeatures> {
  const weights = loadInception(path, { narrow });
  const graph = inceptionGraph({ narrow }, weights, { batch: 1 });
  return new InceptionFeatures(await openSession(graph, options));
}
