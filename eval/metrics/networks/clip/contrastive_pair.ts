/** A contrastive pair of networks (Radford et al., 2021), such as CLIP: features of texts and pictures in one space. */
import { clipTextGraph, clipVisionGraph } from "@dip-go/core/models";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { type Tensor, unstacked } from "@dip-go/core/tensor";
import { loadTokenizer, type TextTokenizer } from "@dip-go/core/text";
import { loadClipPair } from "./clip_pair.ts";
import {
  clipPixels,
  type ClipPreprocessing,
  readClipPreprocessing,
} from "./clip_preprocessing.ts";

/** A loaded pair. Hold it with `await using`. */
export class ContrastivePair implements AsyncDisposable {
  /** @internal Use {@linkcode openContrastivePair}. */
  constructor(
    private readonly tokenizer: TextTokenizer,
    private readonly towers: { text: Session; vision: Session },
    private readonly preprocessing: ClipPreprocessing,
  ) {}

  /** Features of texts, one after another. */
  texts(texts: readonly string[]): Promise<Float32Array[]> {
    return Array.fromAsync(texts, async (text) => {
      const { ids } = this.tokenizer.encode([text]);
      const { embeds } = await this.towers.text.run({ input_ids: ids });
      return embeds.data as Float32Array;
    });
  }

  /**
   * The features of pictures `[B, 3, H, W]` in [-1, 1], of any size.
   *
   * @throws {RangeError} As `clipPixels`.
   */
  pictures(images: Tensor<"float32">): Promise<Float32Array[]> {
    return Array.fromAsync(unstacked(images), async (image) => {
      const pixel_values = clipPixels(image, this.preprocessing);
      const { embeds } = await this.towers.vision.run({ pixel_values });
      return embeds.data as Float32Array;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.towers.text.close();
    await this.towers.vision.close();
  }
}

/**
 * Opens a `CLIPModel` folder with its tokenizer and `preprocessor_config.json`.
 *
 * @throws As `loadClipPair`, `loadTokenizer` and `readClipPreprocessing`.
 * @throws {RangeError} If the crop does not have the picture tower's size.
 *
 * @example The CLIP score of a picture and two prompts, by the embedded pair
 * ```ts
 * import { assert } from "@std/assert";
 * import { zeros } from "@dip-go/core/tensor";
 * import { clipScores, openContrastivePair } from "@dip-go/eval";
 *
 * await using pair = await openContrastivePair("zoo/models/scenes-clip");
 * const prompts = await pair.texts(["a red circle", "a blue square"]);
 * const [picture] = await pair.pictures(zeros([1, 3, 64, 64]));
 * const scores = clipScores([picture, picture], prompts);
 * assert(scores.every((score) => score >= 0 && score <= 100));
 * ```
 */
export async function openContrastivePair(
  folder: string,
  options: SessionOptions = {},
): Promise<ContrastivePair> {
  const { text, vision } = await loadClipPair(folder);
  const { vocabulary } = text.config;
  const tokenizer = await loadTokenizer(folder, { vocabulary });
  const preprocessing = await readClipPreprocessing(folder);
  const { crop } = preprocessing;
  if (crop !== vision.config.imageSize) {
    throw new RangeError(
      `Cannot use ${folder}: it crops pictures to ${crop} pixels, expected the picture tower's ${vision.config.imageSize}`,
    );
  }
  const outputs = ["embeds"];
  const textGraph = clipTextGraph(text.config, text.weights, {
    batch: 1,
    tokens: tokenizer.length,
    outputs,
  });
  const visionGraph = clipVisionGraph(vision.config, vision.weights, {
    batch: 1,
    outputs,
  });
  const towers = {
    text: await openSession(textGraph, options),
    vision: await openSession(visionGraph, options),
  };
  return new ContrastivePair(tokenizer, towers, preprocessing);
}

/** The cosine of the angle between two features. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
