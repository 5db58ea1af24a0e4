/** The frozen encoder that makes the latents of the embedded text-to-image models. */
import {
  autoencoderKind,
  encoderBlockGraph,
  loadComponent,
  wholeGraph,
} from "@dip-go/core/models";
import { openSession, type Session } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { latentSize } from "./scenes_vae.ts";

/** Encodes pictures as latents, a fixed number at a time. Hold it with `await using`, or close it. */
export class SceneEncoder implements AsyncDisposable {
  /** @internal Use {@linkcode openSceneEncoder}. */
  constructor(
    private readonly session: Session,
    private readonly scalingFactor: number,
  ) {}

  /** B, the number of pictures at a time. */
  get batch(): number {
    return this.session.graph.inputs[0].shape[0];
  }

  /** Latents `[B, 4, 16, 16]` of B pictures `[B, 3, 64, 64]` in [-1, 1]: scaled means, of about unit deviation. */
  async latents(image: Tensor<"float32">): Promise<Tensor<"float32">> {
    const { moments } = await this.session.run({ image });
    const [batch, doubled, ...space] = moments.shape;
    const size = moments.data.length / batch / 2;
    const data = new Float32Array(batch * size);
    for (let b = 0; b < batch; b++) {
      const mean = (moments.data as Float32Array)
        .subarray(2 * b * size, (2 * b + 1) * size);
      data.set(mean.map((x) => this.scalingFactor * x), b * size);
    }
    return float32([batch, doubled / 2, ...space], data);
  }

  /** Releases the runtime's memory. */
  close(): Promise<void> {
    return this.session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Opens the encoder of a pipeline's folder.
 *
 * @param folder The pipeline's folder, with `vae/`.
 * @param batch B, the number of pictures at a time.
 * @throws The errors of `loadComponent`.
 */
export async function openSceneEncoder(
  folder: string,
  batch: number,
): Promise<SceneEncoder> {
  const { config, weights } = await loadComponent(
    `${folder}/vae`,
    autoencoderKind,
  );
  const size = { batch, height: latentSize, width: latentSize };
  const graph = wholeGraph(encoderBlockGraph(config, weights, size));
  const session = await openSession(graph, { threads: 1 }); // threads of many small operators wait for each other
  return new SceneEncoder(session, config.scalingFactor);
}
