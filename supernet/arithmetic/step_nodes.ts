/**
 * The arithmetic between two calls of the model as nodes, in float32 in every
 * precision of the model: guidance, the sampler's step, and the model's input.
 * The compiler passes factors as constants; operations pass them as inputs, so
 * that all steps share one graph.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import type { SamplerState, SamplerStep } from "@dip-go/core/samplers";
import { combination, type Factor, factorOf, type Term } from "./terms.ts";

/** The model's input: latents times a factor, once for each half of guidance. */
export const modelInput = (
  g: GraphBuilder,
  latents: Value,
  { factor, guided }: { readonly factor: Factor; readonly guided: boolean },
): Value =>
  g.inSingle(() => {
    const x = combination(g, [[factor, () => latents]]);
    return guided ? g.concat([x, x], { axis: 0 }) : x;
  });

/** Guidance e = u + s (c − u), `[2B, C', H, W]`, c first, → `[B, C, H, W]`; without a scale e = c, `[B, C', …]`. */
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

/** The names of the latents and prediction of k steps before a step, 0 for its own. */
export const stateNames = (k: number) =>
  k === 0 ? { latents: "latents", prediction: "prediction" } : {
    latents: `past.${k - 1}.latents`,
    prediction: `past.${k - 1}.prediction`,
  };

/** The latents and predictions of a state, by {@linkcode stateNames}. */
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
 * A step's factors, by the names of the values that they multiply: the state, the
 * noise and, if the step clips, the clean sample between ± `limit`, which is made
 * of latents and prediction.
 */
export function stepFactors(
  { latents, predictions, noise, clip }: SamplerStep,
): Record<string, number> {
  // x and p take out the unclipped sample: to add the difference that clipping makes would lose digits.
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
 * @param factors Factors by the names of {@linkcode stepFactors}.
 * @param value The value that a factor of this name multiplies.
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
