/** Latents to pictures, by a pipeline's autoencoder. */
import { joined, unstacked } from "../tensor/batch.ts";
import type { AutoencoderConfig } from "../models/autoencoder/autoencoder_config.ts";
import {
  autoencoderKind,
  decoderBlockGraph,
} from "../models/autoencoder/autoencoder_kl.ts";
import { emitBlock } from "../models/block_graph/block_graph.ts";
import {
  type Component,
  type ComponentOptions,
  loadComponent,
} from "../models/component.ts";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import { openSession } from "../runtime/session.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";

/** A loaded autoencoder. */
export type Autoencoder = Component<AutoencoderConfig>;

/** The autoencoder of a pipeline's folder. @throws As `loadComponent`. */
export const loadAutoencoder = (
  folder: string,
  options?: ComponentOptions,
): Promise<Autoencoder> =>
  loadComponent(`${folder}/vae`, autoencoderKind, options);

/**
 * Adds the decoder to a graph; in every precision it computes in float32 where
 * its configuration says so (`force_upcast`).
 *
 * @param latents As a sampler leaves them, `[B, Z, H/f, W/f]`.
 * @returns Pictures `[B, 3, H, W]` in about [-1, 1].
 * @throws {RangeError} If the latents have other channels than the autoencoder's.
 */
export function emitPictures(
  g: GraphBuilder,
  latents: Value,
  { config, weights }: Autoencoder,
): Value {
  const [batch, channels, height, width] = latents.shape;
  if (channels !== config.latentChannels) {
    throw new RangeError(
      `Cannot decode latents: they have ${channels} channels, expected the autoencoder's ${config.latentChannels}`,
    );
  }
  const size = { batch, height, width };
  const { blocks, inputs, output } = decoderBlockGraph(config, weights, size);
  const emit = () => {
    const tensors = new Map([[inputs[0].name, unscaled(g, latents, config)]]);
    for (const block of blocks) emitBlock(g, block, tensors);
    return tensors.get(output)!;
  };
  return config.forceUpcast ? g.inSingle(emit) : emit();
}

/** Diffusion's latents as the autoencoder made them. */
function unscaled(
  g: GraphBuilder,
  latents: Value,
  { scalingFactor, shiftFactor }: AutoencoderConfig,
): Value {
  const divided = g.div(latents, g.scalar(scalingFactor));
  return shiftFactor === 0 ? divided : g.add(divided, g.scalar(shiftFactor));
}

/** Decodes pictures of one size, one at a time: at full size a picture takes gigabytes. Hold it with `await using`. */
export interface PictureDecoder extends AsyncDisposable {
  /** Pictures `[B, 3, H, W]` of latents `[B, Z, H/f, W/f]`. */
  decode(latents: Tensor<"float32">): Promise<Tensor<"float32">>;
}

/**
 * Opens an autoencoder's decoder.
 *
 * @param shape Of one sample's latents, `[Z, H/f, W/f]`.
 * @throws {RangeError} As {@linkcode emitPictures}.
 */
export async function openPictureDecoder(
  autoencoder: Autoencoder,
  shape: readonly number[],
  options: SessionOptions = {},
): Promise<PictureDecoder> {
  const g = new GraphBuilder("picture-decoder");
  const latents = g.input("latents", "float32", [1, ...shape]);
  const pictures = emitPictures(g, latents, autoencoder);
  const session = await openSession(g.build({ pictures }), options);
  return {
    async decode(latents) {
      const decoded: Tensor<"float32">[] = [];
      for (const { shape, data } of unstacked(latents)) {
        const feeds = { latents: float32([1, ...shape], data) };
        const { pictures } = await session.run(feeds);
        decoded.push(pictures as Tensor<"float32">);
      }
      return joined(decoded);
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}
