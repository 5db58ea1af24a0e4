/** Latents to pictures, by a pipeline's autoencoder. */
import {
  autoencoderKind,
  decoderBlockGraph,
} from "../models/autoencoder_kl.ts";
import { wholeGraph } from "../models/block_graph.ts";
import { loadComponent } from "../models/component.ts";
import { openSession, type SessionOptions } from "../runtime/session.ts";
import { float32, type Tensor } from "../tensor.ts";

/**
 * Pictures `[B, 3, H, W]` in about [-1, 1] of latents `[B, Z, H/f, W/f]`, as a
 * sampler leaves them. They are decoded one at a time: at full size a picture
 * takes gigabytes.
 *
 * @param folder A pipeline with `vae/`.
 * @throws As `loadComponent`.
 * @throws {RangeError} If the latents have other channels than the autoencoder's.
 */
export async function decodeLatents(
  folder: string,
  latents: Tensor<"float32">,
  options: SessionOptions = {},
): Promise<Tensor<"float32">> {
  const { config, weights } = await loadComponent(
    `${folder}/vae`,
    autoencoderKind,
  );
  const [batch, channels, height, width] = latents.shape;
  if (channels !== config.latentChannels) {
    throw new RangeError(
      `Cannot decode latents with ${folder}/vae: they have ${channels} channels, expected ${config.latentChannels}`,
    );
  }
  const graph = decoderBlockGraph(config, weights, { batch: 1, height, width });
  await using session = await openSession(wholeGraph(graph), options);
  const size = latents.data.length / batch;
  const pictures: Tensor[] = [];
  for (let b = 0; b < batch; b++) {
    const own = latents.data.subarray(b * size, (b + 1) * size)
      .map((value) => value / config.scalingFactor);
    const feeds = { latents: float32([1, channels, height, width], own) };
    pictures.push((await session.run(feeds)).decoded);
  }
  return joined(pictures);
}

/** Tensors `[1, ...]` as one, `[B, ...]`. */
function joined(tensors: readonly Tensor[]): Tensor<"float32"> {
  const [{ shape: [, ...element], data: { length } }] = tensors;
  const data = new Float32Array(tensors.length * length);
  tensors.forEach((each, b) => data.set(each.data as Float32Array, b * length));
  return float32([tensors.length, ...element], data);
}
