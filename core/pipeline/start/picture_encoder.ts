/** Pictures to latents, by a pipeline's autoencoder. */
import {
  downscaling,
  encoderBlockGraph,
} from "../../models/autoencoder/autoencoder_kl.ts";
import { emitModel } from "../../models/block_graph/block_graph.ts";
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { openSession } from "../../runtime/session.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { TorchGenerator } from "../../tensor/random.ts";
import { float32, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import type { Autoencoder } from "../picture_decoder.ts";

/** Draws latents from an autoencoder's normal distribution for a picture, in diffusion's scale, `[1, Z, h, w]`. */
export type LikelyLatents = (random: TorchGenerator) => Tensor<"float32">;

/** Bounds of the logarithm of the variance, as diffusers has them. */
const [leastLogVariance, mostLogVariance] = [-30, 20];

/**
 * Encodes one picture; the session is closed again.
 *
 * @param image `[1, 3, H, W]` in [-1, 1]; sides are multiples of the autoencoder's downscaling.
 */
export async function encodePicture(
  autoencoder: Autoencoder,
  image: Tensor<"float32">,
  options: SessionOptions = {},
): Promise<LikelyLatents> {
  const g = new GraphBuilder("picture-encoder");
  const input = g.input("image", "float32", image.shape);
  const moments = emitMoments(g, input, autoencoder);
  await using session = await openSession(g.build({ moments }), options);
  const { moments: { shape, data } } = await session.run({ image });
  const own = [1, shape[1] / 2, shape[2], shape[3]];
  const size = sizeOf(own);
  const [mean, logVariance] = [0, size]
    .map((at) => (data as Float32Array).subarray(at, at + size));
  const { scalingFactor, shiftFactor, statistics } = autoencoder.config;
  return (random) => {
    const noise = random.randn(own).data;
    const latents = mean.map((value, i) => {
      const drawn = value + deviation(logVariance[i]) * noise[i];
      const channel = Math.floor(i / (own[2] * own[3]));
      const centred = statistics
        ? (drawn - statistics.mean[channel]) / statistics.deviation[channel]
        : drawn - shiftFactor;
      return centred * scalingFactor;
    });
    return float32(own, latents);
  };
}

const deviation = (logVariance: number): number =>
  Math.exp(
    Math.min(Math.max(logVariance, leastLogVariance), mostLogVariance) / 2,
  );

function emitMoments(
  g: GraphBuilder,
  image: Value,
  { config, weights }: Autoencoder,
): Value {
  const [batch, , height, width] = image.shape;
  const factor = downscaling(config);
  const size = { batch, height: height / factor, width: width / factor };
  const encoder = encoderBlockGraph(config, weights, size);
  const emit = () => emitModel(g, encoder, [image]);
  return config.forceUpcast ? g.inSingle(emit) : emit();
}
