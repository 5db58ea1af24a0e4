/**
 * The consistency loss L_c between a SubNet's images and the full model's
 * (DiP-GO, equation 3 and table 5), as an ONNX graph that autodiff differentiates.
 */
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32 } from "@dip-go/core/tensor";
import { range, sum } from "../numbers.ts";
import type { NetworkSearchOptions } from "../search_settings.ts";

/** The distance of L_c; `ssim` is the paper's choice. */
export type ConsistencyLoss = NetworkSearchOptions["consistency"];

const window = 11;
const sigma = 1.5;

/** Adds the decoder to a graph: pictures `[B, C, H, W]` of a sampler's last latents `[B, Z, H/f, W/f]`. */
export type DecodePictures = (g: GraphBuilder, latents: Value) => Value;

/** A normalised 11x11 Gaussian for each channel, `[C, 1, 11, 11]`. */
function gaussian(channels: number): Float32Array {
  const line = range(window).map((i) =>
    Math.exp(-((i - (window - 1) / 2) ** 2) / (2 * sigma * sigma))
  );
  const total = sum(line);
  const plane = line.flatMap((a) => line.map((b) => a * b / (total * total)));
  return Float32Array.from(
    { length: channels * plane.length },
    (_, i) => plane[i % plane.length],
  );
}

/** Emits the mean SSIM of `[B, C, H, W]` images (Wang et al., 2004), zero padding, population moments. */
function meanSsim(
  g: GraphBuilder,
  a: Value,
  b: Value,
  dataRange: number,
): Value {
  const channels = a.shape[1];
  const kernel = g.constant(
    float32([channels, 1, window, window], gaussian(channels)),
  );
  const half = (window - 1) / 2;
  const blur = (x: Value) =>
    g.conv(x, kernel, null, {
      group: channels,
      pads: [half, half, half, half],
    });
  const [c1, c2] = [0.01, 0.03].map((k) => g.scalar((k * dataRange) ** 2));
  const two = g.scalar(2);
  const [ma, mb] = [blur(a), blur(b)];
  const [maa, mbb, mab] = [g.mul(ma, ma), g.mul(mb, mb), g.mul(ma, mb)];
  const variances = g.add(
    g.sub(blur(g.mul(a, a)), maa),
    g.sub(blur(g.mul(b, b)), mbb),
  );
  const covariance = g.sub(blur(g.mul(a, b)), mab);
  const numerator = g.mul(
    g.add(g.mul(mab, two), c1),
    g.add(g.mul(covariance, two), c2),
  );
  const denominator = g.mul(g.add(g.add(maa, mbb), c1), g.add(variances, c2));
  return g.reduceMean(g.div(numerator, denominator), { keepDims: false });
}

/**
 * Builds the graph of L_c. Inputs `image` and `reference`, `[B, C, H, W]`; output
 * `loss`, a scalar: mean |a − b|, mean (a − b)², −SSIM, or mean |a − b| − SSIM.
 *
 * @param size.shape The shape of both inputs.
 * @param size.dataRange The width of the compared values' range: 2 for [-1, 1].
 * @param size.decode The decoder, if both inputs are latents whose pictures are compared.
 */
export function consistencyLossGraph(
  kind: ConsistencyLoss,
  { shape, dataRange, decode = (_, image) => image }: {
    shape: readonly number[];
    dataRange: number;
    decode?: DecodePictures;
  },
): Graph {
  const g = new GraphBuilder(`consistency:${kind}`);
  const image = decode(g, g.input("image", "float32", shape));
  const reference = decode(g, g.input("reference", "float32", shape));
  const difference = () => g.sub(image, reference);
  const mean = (x: Value) => g.reduceMean(x, { keepDims: false });
  const l1 = () => mean(g.abs(difference()));
  const l2 = () => mean(g.mul(difference(), difference()));
  const ssim = () => g.neg(meanSsim(g, image, reference, dataRange));
  const losses = { l1, l2, ssim, "l1+ssim": () => g.add(l1(), ssim()) };
  return g.build({ loss: losses[kind]() });
}
