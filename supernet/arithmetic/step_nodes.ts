/**
 * What lies between two calls of the model, as nodes, in float32 whatever
 * precision the model gets: guidance, the sampler's step, and what the model
 * sees. The compiler gives constants as factors; operations have inputs for them,
 * so that all steps are one graph.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import type { SamplerState, SamplerStep } from "@dip-go/core/samplers";
import { combination, type Factor, factorOf, type Term } from "./terms.ts";

/** Latents once for each half of guidance, times a factor: what the model sees. */
export const modelInput = (
  g: GraphBuilder,
  latents: Value,
  { factor, guided }: { readonly factor: Factor; readonly guided: boolean },
): Value =>
  g.inSingle(() => {
    const x = combination(g, [[factor, () => latents]]);
    return guided ? g.concat([x, x], { axis: 0 }) : x;
  });

/** e = u + s (c − u): `[2B, C', H, W]`, conditional half first, → `[B, C, H, W]`; e = c of `[B, C', H, W]` without a scale. */
export const guidedPrediction = (
  g: GraphBuilder,
  output: Value,
  { channels, scale }: {
    readonly channels: number;
    readonly scale?: Factor;
  },
): Value =>
  g.inSingle(() => {
    const [batch, all] = output.shape;
    const half = (from: number, to: number) =>
      g.slice(output, {
        axes: [0, 1],
        starts: [from, 0],
        ends: [to, channels],
      });
    if (scale === undefined) return channels === all ? output : half(0, batch);
    const [conditional, other] = [half(0, batch / 2), half(batch / 2, batch)];
    const apart = g.sub(conditional, other);
    return g.add(other, g.mul(apart, factorOf(g, scale, apart)));
  });

/** The names of a step's latents and prediction, of k steps before it. */
export const stateNames = (k: number) =>
  k === 0 ? { latents: "latents", prediction: "prediction" } : {
    latents: `past.${k - 1}.latents`,
    prediction: `past.${k - 1}.prediction`,
  };

/** Latents and predictions of a state by these names. */
export const stateValues = <V>(
  { latents, past }: SamplerState<V>,
): Record<string, V> =>
  Object.fromEntries([
    ["latents", latents],
    ...past.flatMap(({ latents, prediction }, k) => [
      [stateNames(k + 1).latents, latents],
      [stateNames(k + 1).prediction, prediction],
    ]),
  ]);

/**
 * A step's numbers, by the names of what they multiply: its state, its noise
 * and, where it clips, the clean sample between ± `limit`, which is made of
 * latents and prediction.
 */
export function stepFactors(
  { latents, predictions, noise, clip }: SamplerStep,
): Record<string, number> {
  // The clean sample's own share goes out with it: to add what clipping changes would lose digits.
  const [x, p] = clip
    ? [clip.factor * clip.clean.x, clip.factor * clip.clean.prediction]
    : [0, 0];
  const own = (k: number, share: number) => k === 0 ? share : 0;
  return Object.fromEntries([
    ...latents.map((c, k) => [stateNames(k).latents, c - own(k, x)]),
    ...predictions.map((c, k) => [stateNames(k).prediction, c - own(k, p)]),
    ["noise", noise],
    ...clip
      ? [
        ["clean", clip.factor],
        ["clean.latents", clip.clean.x],
        ["clean.prediction", clip.clean.prediction],
        ["clean.limit", clip.limit],
      ]
      : [],
  ]);
}

/**
 * The latents after a step, `[B, C, H, W]`.
 *
 * @param factors As {@linkcode stepFactors} names them.
 * @param value What one of them multiplies.
 */
export function nextLatents(
  g: GraphBuilder,
  factors: Readonly<Record<string, Factor>>,
  value: (name: string) => Value,
): Value {
  const { clean: clipped, ...others } = factors;
  const plain = Object.entries(others)
    .filter(([name]) => !name.startsWith("clean."))
    .map(([name, factor]): Term => [factor, () => value(name)]);
  const clean = () => {
    const whole = combination(g, [
      [factors["clean.latents"], () => value("latents")],
      [factors["clean.prediction"], () => value("prediction")],
    ]);
    const limit = factorOf(g, factors["clean.limit"], whole);
    return g.min(g.max(whole, g.mul(limit, g.scalar(-1))), limit);
  };
  return g.inSingle(() =>
    combination(g, clipped === undefined ? plain : [...plain, [clipped, clean]])
  );
}
