/**
 * What the embedded text-to-image model is trained between: its text tower,
 * which reads the captions, and its autoencoder, which makes latents of the
 * pictures. Both are frozen.
 */
import {
  autoencoderKind,
  encoderBlockGraph,
} from "../core/models/autoencoder_kl.ts";
import { wholeGraph } from "../core/models/block_graph.ts";
import { clipTextGraph } from "../core/models/clip.ts";
import { loadClipText } from "../core/models/clip_load.ts";
import { loadComponent } from "../core/models/component.ts";
import {
  manySessions,
  openSession,
  type Session,
} from "../core/runtime/session.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import { captionIds } from "./scenes_clip.ts";
import { latentSize } from "./scenes_vae.ts";

/** Captions to features, pictures to latents, a fixed number at a time. Hold it with `await using`, or close it. */
export class SceneEncoders implements AsyncDisposable {
  readonly #text: Session;
  readonly #pictures: Session;
  readonly #scalingFactor: number;

  /** @internal Use {@linkcode openSceneEncoders}. */
  constructor(
    { text, pictures, scalingFactor }: {
      text: Session;
      pictures: Session;
      scalingFactor: number;
    },
  ) {
    this.#text = text;
    this.#pictures = pictures;
    this.#scalingFactor = scalingFactor;
  }

  /** B: how many captions, and how many pictures, at a time. */
  get batch(): number {
    return this.#text.graph.inputs[0].shape[0];
  }

  /** Features of B captions, `[B, S, D]`. @throws {RangeError} If a caption cannot be encoded. */
  async textFeatures(captions: readonly string[]): Promise<Tensor<"float32">> {
    const feeds = { input_ids: captionIds(captions) };
    const { last_hidden_state } = await this.#text.run(feeds);
    return last_hidden_state as Tensor<"float32">;
  }

  /** Latents of B pictures `[B, 3, 64, 64]` in [-1, 1]: the means that the autoencoder gives, of about unit deviation, `[B, 4, 16, 16]`. */
  async latents(image: Tensor<"float32">): Promise<Tensor<"float32">> {
    const { moments } = await this.#pictures.run({ image });
    const [batch, doubled, ...space] = moments.shape;
    const size = moments.data.length / batch / 2;
    const data = new Float32Array(batch * size);
    for (let b = 0; b < batch; b++) {
      const mean = (moments.data as Float32Array)
        .subarray(2 * b * size, (2 * b + 1) * size);
      data.set(mean.map((x) => this.#scalingFactor * x), b * size);
    }
    return float32([batch, doubled / 2, ...space], data);
  }

  /** Releases the runtime's memory. */
  async close(): Promise<void> {
    await this.#text.close();
    await this.#pictures.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Opens the encoders of a pipeline's folder.
 *
 * @param folder Holds `text_encoder/` and `vae/`.
 * @param batch B, of captions and of pictures.
 * @throws As `loadComponent` of either.
 */
export async function openSceneEncoders(
  folder: string,
  batch: number,
): Promise<SceneEncoders> {
  const tower = await loadClipText(`${folder}/text_encoder`);
  const vae = await loadComponent(`${folder}/vae`, autoencoderKind);
  const size = { batch, height: latentSize, width: latentSize };
  const encoder = encoderBlockGraph(vae.config, vae.weights, size);
  const textGraph = clipTextGraph(tower.config, tower.weights, {
    batch,
    outputs: ["last_hidden_state"],
  });
  return new SceneEncoders({
    text: await openSession(textGraph, manySessions),
    pictures: await openSession(wholeGraph(encoder), manySessions),
    scalingFactor: vae.config.scalingFactor,
  });
}
