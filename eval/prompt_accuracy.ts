/**
 * Whether a picture shows what its prompt says, by a contrastive pair (Radford
 * et al., 2021): the pair must find the picture's own prompt among all that
 * are evaluated. Prompts may fit several pictures, so that even pictures made
 * from the prompts by a renderer stay below 1.
 */
import { clipTextGraph, clipVisionGraph } from "../core/models/clip.ts";
import { loadClipPair } from "../core/models/clip_pair.ts";
import { readJson } from "../core/read_json.ts";
import {
  manySessions,
  openSession,
  type Session,
} from "../core/runtime/session.ts";
import { unstacked } from "../core/batch.ts";
import { float32, sizeOf, type Tensor } from "../core/tensor.ts";
import { loadTokenizer, type TextTokenizer } from "../core/text/tokenizer.ts";

/** How pixels are normalised: (x - mean) / std of values in [0, 1], by channel. */
interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A loaded pair. Hold it with `await using`. */
export class ContrastivePair implements AsyncDisposable {
  /** @internal Use {@linkcode openContrastivePair}. */
  constructor(
    private readonly folder: string,
    private readonly tokenizer: TextTokenizer,
    private readonly towers: { text: Session; vision: Session },
    private readonly normalisation: Normalisation,
  ) {}

  /** Features of texts, one after another. */
  async texts(texts: readonly string[]): Promise<Float32Array[]> {
    const features: Float32Array[] = [];
    for (const text of texts) {
      const { ids } = this.tokenizer.encode([text]);
      const { embeds } = await this.towers.text.run({ input_ids: ids });
      features.push(embeds.data as Float32Array);
    }
    return features;
  }

  /**
   * Features of pictures `[B, 3, H, W]` in [-1, 1].
   *
   * @throws {RangeError} If they are not of the size that the tower sees.
   */
  async pictures(images: Tensor<"float32">): Promise<Float32Array[]> {
    const { vision } = this.towers;
    const [, ...expected] = vision.graph.inputs[0].shape;
    const [, ...found] = images.shape;
    if (found.join() !== expected.join()) {
      throw new RangeError(
        `Cannot judge pictures with ${this.folder}: they are [${found}], expected [${expected}]`,
      );
    }
    const features: Float32Array[] = [];
    for (const { shape, data } of unstacked(images)) {
      const pixels = float32([1, ...shape], this.#normalised(shape, data));
      const { embeds } = await vision.run({ pixel_values: pixels });
      features.push(embeds.data as Float32Array);
    }
    return features;
  }

  #normalised(shape: readonly number[], data: Float32Array): Float32Array {
    const plane = sizeOf(shape.slice(1));
    const { mean, std } = this.normalisation;
    return data.map((x, i) => {
      const channel = Math.floor(i / plane);
      return ((x + 1) / 2 - mean[channel]) / std[channel];
    });
  }

  /** Releases the runtime's memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.towers.text.close();
    await this.towers.vision.close();
  }
}

/**
 * Opens a `CLIPModel` folder with its tokenizer and `preprocessor_config.json`.
 *
 * @throws As `loadClipPair`, `loadTokenizer` and `readJson`.
 * @throws {TypeError} If the means and deviations are not three numbers each.
 */
export async function openContrastivePair(
  folder: string,
): Promise<ContrastivePair> {
  const { text, vision } = await loadClipPair(folder);
  const tokenizer = await loadTokenizer(folder);
  const normalisation = await readNormalisation(folder);
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
    text: await openSession(textGraph, manySessions),
    vision: await openSession(visionGraph, manySessions),
  };
  return new ContrastivePair(folder, tokenizer, towers, normalisation);
}

async function readNormalisation(folder: string): Promise<Normalisation> {
  const file = `${folder}/preprocessor_config.json`;
  const json = await readJson(file) as Record<string, unknown> | null;
  const numbers = (key: string): number[] => {
    const value = json?.[key];
    const fits = Array.isArray(value) && value.length === 3 &&
      value.every((x) => Number.isFinite(x));
    if (fits) return value;
    throw new TypeError(
      `Cannot read ${file}: ${key} is ${
        JSON.stringify(value)
      }, expected three numbers`,
    );
  };
  return { mean: numbers("image_mean"), std: numbers("image_std") };
}

const unit = (x: Float32Array): Float32Array => {
  const norm = Math.hypot(...x);
  return x.map((value) => value / norm);
};

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
  const units = prompts.map(unit);
  return pictures.map((picture, i) => {
    const own = unit(picture);
    const similarity = (text: Float32Array) =>
      text.reduce((sum, x, k) => sum + x * own[k], 0);
    const best = Math.max(...units.map(similarity));
    return similarity(units[i]) === best ? 1 : 0;
  });
}
