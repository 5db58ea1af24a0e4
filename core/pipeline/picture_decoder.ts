/** Latents to pictures, by a pipeline's autoencoder. */
import { stacked, unstacked } from "../tensor/batch.ts";
import type { AutoencoderConfig } from "../models/autoencoder/autoencoder_config.ts";
import {
  autoencoderKind,
  decoderBlockGraph,
  downscaling,
} from "../models/autoencoder/autoencoder_kl.ts";
import { emitModel } from "../models/block_graph/block_graph.ts";
import {
  type Component,
  type ComponentOptions,
  loadComponent,
} from "../models/component.ts";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import { openSession, type Session } from "../runtime/session.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import { isTooLarge } from "./decoding/decoder_memory.ts";
import { decodeTiles } from "./decoding/tiles.ts";

/** A loaded autoencoder. */
export type Autoencoder = Component<AutoencoderConfig>;

/** Loads the autoencoder of a pipeline's folder. @throws As `loadComponent`. */
export const loadAutoencoder = (
  folder: string,
  options?: ComponentOptions,
): Promise<Autoencoder> =>
  loadComponent(`${folder}/vae`, autoencoderKind, options);

/**
 * Adds the decoder to a graph. In every precision it computes in float32 if its
 * configuration says so (`force_upcast`).
 *
 * @param latents A sampler's final latents, `[B, Z, H/f, W/f]`.
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
  const decoder = decoderBlockGraph(config, weights, size);
  const emit = () => emitModel(g, decoder, [unscaled(g, latents, config)]);
  return config.forceUpcast ? g.inSingle(emit) : emit();
}

/** Converts diffusion's latents to the autoencoder's scale. */
function unscaled(
  g: GraphBuilder,
  latents: Value,
  { scalingFactor, shiftFactor, statistics }: AutoencoderConfig,
): Value {
  const divided = g.div(latents, g.scalar(scalingFactor));
  if (statistics) {
    const { mean, deviation } = statistics;
    const [each, centre] = [deviation, mean]
      .map((list) => g.constant(float32([1, list.length, 1, 1], list)));
    return g.add(g.mul(divided, each), centre);
  }
  return shiftFactor === 0 ? divided : g.add(divided, g.scalar(shiftFactor));
}

/** Decodes pictures of one size, one at a time, as each may take gigabytes. Hold it with `await using`. */
export interface PictureDecoder extends AsyncDisposable {
  /** Decodes latents `[B, Z, H/f, W/f]` to pictures `[B, 3, H, W]`. */
  decode(latents: Tensor<"float32">): Promise<Tensor<"float32">>;
}

/** The options of a decoder. */
export interface DecoderOptions extends SessionOptions {
  /**
   * Whether to decode in overlapping tiles of the size that the autoencoder was
   * made for, which bounds memory and changes pictures a little; by default if
   * a whole picture would take more than half of the machine's memory.
   */
  readonly tiling?: boolean;
}

/**
 * Opens an autoencoder's decoder.
 *
 * @param shape The shape of one sample's latents, `[Z, H/f, W/f]`.
 * @throws {RangeError} As {@linkcode emitPictures}.
 */
export async function openPictureDecoder(
  autoencoder: Autoencoder,
  shape: readonly number[],
  { tiling, ...options }: DecoderOptions = {},
): Promise<PictureDecoder> {
  const { config } = autoencoder;
  const factor = downscaling(config);
  const side = Math.max(1, Math.trunc(config.sampleSize / factor));
  const inTiles = Math.max(...shape.slice(1)) > side &&
    (tiling ?? isTooLarge(config, shape));
  const sessions = new PartSessions(autoencoder, options);
  const decode = (part: Tensor<"float32">) => sessions.decode(part);
  if (!inTiles) await sessions.open(shape);
  return {
    decode: async (latents) =>
      stacked(
        await Array.fromAsync(unstacked(latents), (each) =>
          inTiles ? decodeTiles(each, { side, factor }, decode) : decode(each)),
      ),
    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  };
}

/** A session for each size of latents that is decoded. */
class PartSessions implements AsyncDisposable {
  readonly #opened = new AsyncDisposableStack();
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(
    private readonly autoencoder: Autoencoder,
    private readonly options: SessionOptions,
  ) {}

  open(shape: readonly number[]): Promise<Session> {
    return this.#sessions.getOrInsertComputed(`${shape}`, async () => {
      const g = new GraphBuilder("picture-decoder");
      const latents = g.input("latents", "float32", [1, ...shape]);
      const pictures = emitPictures(g, latents, this.autoencoder);
      const graph = g.build({ pictures });
      return this.#opened.use(await openSession(graph, this.options));
    });
  }

  /** Decodes `[Z, h, w]` to `[C, f h, f w]`. */
  async decode({ shape, data }: Tensor<"float32">): Promise<Tensor<"float32">> {
    const session = await this.open(shape);
    const latents = float32([1, ...shape], data);
    const { pictures } = await session.run({ latents });
    return float32(pictures.shape.slice(1), pictures.data as Float32Array);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
