/** Guidance, payloads and the sampler's step as nodes of a graph, in float32 whatever precision the model gets; see `guidance.ts`, `payloads.ts` and `sampler_state.ts` for the same on the host. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { isGuided } from "@dip-go/core/pipeline";
import type { Clip, SamplerStep } from "@dip-go/core/samplers";
import { float32 } from "@dip-go/core/tensor";
import {
  type Coefficient,
  depthsOf,
  factorShape,
  type PayloadRow,
} from "../gates/payloads.ts";
import {
  type Lazy,
  lazy,
  type PastValues,
  type SamplerValues,
} from "./sampler_values.ts";

/** A factor and what it multiplies. */
type Term = readonly [Coefficient, Lazy];

/** A coefficient as a constant that multiplies a value. */
export const factorOf = (
  g: GraphBuilder,
  factor: Coefficient,
  { shape }: Value,
): Value =>
  typeof factor === "number"
    ? g.scalar(factor)
    : g.constant(float32(factorShape(factor, shape), [...factor]));

/** Σ factor · value; terms of factor 0 are not read where there are others. */
const combination = (g: GraphBuilder, terms: readonly Term[]): Value =>
  g.inSingle(() => {
    const some = terms.filter(([factor]) => factor !== 0);
    const parts = (some.length > 0 ? some : terms.slice(0, 1)).map(
      ([factor, value]) =>
        factor === 1 ? value() : g.mul(value(), factorOf(g, factor, value())),
    );
    return parts.reduce((sum, part) => g.add(sum, part));
  });

/** e = u + s (c − u): `[2B, C', H, W]`, conditional half first, → `[B, C, H, W]`; e = c of `[B, C', H, W]` at a scale that takes one half. */
export const guided = (
  g: GraphBuilder,
  prediction: Value,
  { channels, scale }: { channels: number; scale: number },
): Value =>
  g.inSingle(() => {
    const [batch, all] = prediction.shape;
    const half = (from: number, to: number) =>
      g.slice(prediction, {
        axes: [0, 1],
        starts: [from, 0],
        ends: [to, channels],
      });
    if (!isGuided(scale)) {
      return channels === all ? prediction : half(0, batch);
    }
    const conditional = half(0, batch / 2);
    const other = half(batch / 2, batch);
    return g.add(other, g.mul(g.sub(conditional, other), g.scalar(scale)));
  });

/** The prediction of a step that computes none. */
export const payload = (
  g: GraphBuilder,
  history: readonly Lazy[],
  row: PayloadRow,
): Lazy =>
  lazy(() => combination(g, depthsOf(row).map((j) => [row[j], history[j]])));

/** The clean sample that a step predicts, clipped. */
function clippedClean(
  g: GraphBuilder,
  { clean, limit }: Clip,
  { latents, prediction }: PastValues,
): Value {
  const terms: Term[] = [[clean.x, latents], [clean.prediction, prediction]];
  const whole = combination(g, terms);
  return g.inSingle(() =>
    g.min(g.max(whole, g.scalar(-limit)), g.scalar(limit))
  );
}

/** The latents after a step, `[B, C, H, W]`. @param noise Standard normal; read where the step adds any. */
export const nextLatents = (
  g: GraphBuilder,
  step: SamplerStep,
  { state, prediction, noise }: {
    state: Pick<SamplerValues, "latents" | "past">;
    prediction: Lazy;
    noise: Lazy;
  },
): Lazy => {
  const own = { latents: state.latents, prediction };
  const read = [own, ...state.past];
  const { clip } = step;
  // The clean sample's own share goes out with it: to add what clipping changes would lose digits.
  const [x, p] = clip
    ? [clip.factor * clip.clean.x, clip.factor * clip.clean.prediction]
    : [0, 0];
  const terms: Term[] = [
    ...step.latents.map((c, k): Term => [k === 0 ? c - x : c, read[k].latents]),
    ...step.predictions.map((c, k): Term => [
      k === 0 ? c - p : c,
      read[k].prediction,
    ]),
    [step.noise, noise],
    ...clip ? [[clip.factor, () => clippedClean(g, clip, own)] as const] : [],
  ];
  return lazy(() => combination(g, terms));
};
