/** Latents to pictures, by a pipeline's autoencoder. */
import { joined, unstacked } from "../batch.ts";
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
  const [, channels, height, width] = latents.shape;
  if (channels !== config.latentChannels) {
    throw new RangeError(
      `Cannot decode latents with ${folder}/vae: they have ${channels} channels, expected ${config.latentChannels}`,
    );
  }
  const graph = decoderBlockGraph(config, weights, { batch: 1, height, width });
  await using session = await openSession(wholeGraph(graph), options);
  const pictures: Tensor<"float32">[] = [];
  for (const { data } of unstacked(latents)) {
    const own = data.map((value) => value / config.scalingFactor);
    const feeds = { latents: float32([1, channels, height, width], own) };
    const { decoded } = await session.run(feeds);
    pictures.push(decoded as Tensor<"float32">);
  }
  return joined(pictures);
}
