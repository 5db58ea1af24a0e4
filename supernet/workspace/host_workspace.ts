/** A workspace on the host: plain loops, and memory that the garbage collector gives back. */
import {
  guide,
  guideVjp,
  halvesOf,
  inHalves,
  inHalvesVjp,
} from "@dip-go/core/pipeline";
import type { Feeds, PlacedTensor, Session } from "@dip-go/core/runtime";
import {
  nextState,
  nextStateVjp,
  type Sampler,
  type SamplerState,
  stateAfter,
  type StepInputs,
} from "@dip-go/core/samplers";
import {
  addInto,
  float32,
  sizeOf,
  type Tensor,
  times,
} from "@dip-go/core/tensor";
import { type Coefficient, factorShape } from "../gates/payloads.ts";
import {
  type GuideOptions,
  type InputOptions,
  type Later,
  type StepCotangents,
  type StepVjpInputs,
  type Term,
  Workspace,
  type Workspaces,
} from "./workspace.ts";

/** A tensor here: sessions on the host leave no others. */
const array = (x: PlacedTensor): Float32Array =>
  (x as Tensor).data as Float32Array;

const stateArrays = (
  { latents, past }: SamplerState<PlacedTensor>,
): SamplerState => ({
  latents: array(latents),
  past: past.map(({ latents, prediction }) => ({
    latents: array(latents),
    prediction: array(prediction),
  })),
});

/** Σ factor · array of at least one array; the sum of an element is in float64. */
function weightedSum(
  arrays: readonly Float32Array[],
  factors: readonly number[],
): Float32Array {
  const [a, b] = arrays;
  const [f, g] = factors;
  const sum = new Float32Array(a.length);
  if (arrays.length === 1) return times(a, f);
  if (arrays.length > 2) {
    return sum.map((_, i) =>
      arrays.reduce((all, array, k) => all + factors[k] * array[i], 0)
    );
  }
  for (let i = 0; i < a.length; i++) sum[i] = f * a[i] + g * b[i];
  return sum;
}

/** A value times its factor of each channel. */
function scaled(x: PlacedTensor, factors: Exclude<Coefficient, number>) {
  const [channels, ...rest] = factorShape(factors, x.shape);
  const inner = x.shape.slice(x.shape.length - rest.length)
    .reduce((a, b) => a * b, 1);
  return array(x).map((value, i) =>
    value * factors[Math.floor(i / inner) % channels]
  );
}

/**
 * ⟨d, a − b⟩ or ⟨d, a⟩ of each sample, in float64. The arrays are `[B, ...]`, or `[2B, ...]`
 * where both halves of guidance are there; sample i lies at rows i and B + i then.
 *
 * @returns `[B]`
 */
function projections(
  d: Float32Array,
  a: Float32Array,
  b: Float32Array | undefined,
  { rows, samples }: { rows: number; samples: number },
): Float64Array {
  const size = d.length / rows;
  const sums = new Float64Array(samples);
  if (!b) {
    d.forEach((value, i) =>
      sums[Math.floor(i / size) % samples] += value * a[i]
    );
    return sums;
  }
  for (let row = 0; row < rows; row++) {
    // Two sums at once: each addition need not wait for the one before.
    let [even, odd] = [0, 0];
    const end = (row + 1) * size;
    let i = row * size;
    for (; i + 1 < end; i += 2) {
      even += d[i] * (a[i] - b[i]);
      odd += d[i + 1] * (a[i + 1] - b[i + 1]);
    }
    if (i < end) even += d[i] * (a[i] - b[i]);
    sums[row % samples] += even + odd;
  }
  return sums;
}

class HostWorkspace extends Workspace {
  async run(
    session: Session,
    feeds: Feeds,
  ): Promise<Record<string, PlacedTensor>> {
    const { outputs, kept } = await session.runKeeping(feeds);
    return { ...outputs, ...kept };
  }

  keepOnly(): void {}

  place(values: Feeds): Promise<Feeds> {
    return Promise.resolve(values);
  }

  read(x: PlacedTensor): Promise<Float32Array> {
    return Promise.resolve(array(x));
  }

  override addInto(own: PlacedTensor, b: PlacedTensor): Promise<PlacedTensor> {
    addInto(array(own), array(b));
    return Promise.resolve(own);
  }

  protected sum(terms: readonly Term[]): Promise<PlacedTensor> {
    const [[, { shape }]] = terms;
    const arrays = terms.map(([c, x]) =>
      typeof c === "number" ? array(x) : scaled(x, c)
    );
    const factors = terms.map(([c]) => typeof c === "number" ? c : 1);
    return Promise.resolve(float32(shape, weightedSum(arrays, factors)));
  }

  projections(
    d: PlacedTensor,
    [a, b]: readonly [PlacedTensor, PlacedTensor?],
    samples: number,
  ): Promise<Later<Float64Array>> {
    const rows = { rows: d.shape[0], samples };
    const sums = projections(array(d), array(a), b && array(b), rows);
    return Promise.resolve(() => Promise.resolve(sums));
  }

  modelInput(
    latents: PlacedTensor,
    { factor, scale }: InputOptions,
  ): Promise<PlacedTensor> {
    const [batch, ...rest] = latents.shape;
    const x = inHalves(times(array(latents), factor), scale);
    return Promise.resolve(float32([halvesOf(scale) * batch, ...rest], x));
  }

  modelInputVjp(
    cotangent: PlacedTensor,
    { factor, scale }: InputOptions,
  ): Promise<PlacedTensor> {
    const [batch, ...rest] = cotangent.shape;
    const back = times(inHalvesVjp(array(cotangent), scale), factor);
    return Promise.resolve(float32([batch / halvesOf(scale), ...rest], back));
  }

  guide(
    prediction: PlacedTensor,
    options: GuideOptions,
  ): Promise<PlacedTensor> {
    const guided = guide(array(prediction), options);
    return Promise.resolve(float32(options.latents, guided));
  }

  guideVjp(
    cotangent: PlacedTensor,
    { shape, scale }: { shape: readonly number[]; scale: number },
  ): Promise<PlacedTensor> {
    const [batch] = cotangent.shape;
    const options = { batch, scale, size: sizeOf(shape) };
    return Promise.resolve(float32(shape, guideVjp(array(cotangent), options)));
  }

  // deno-lint-ignore require-await -- async so that what it refuses rejects
  async nextState(
    sampler: Sampler,
    i: number,
    { state, prediction, noise }: StepInputs<PlacedTensor>,
  ): Promise<SamplerState<PlacedTensor>> {
    const { latents } = nextState(sampler, i, {
      state: stateArrays(state),
      prediction: array(prediction),
      noise: noise && array(noise),
    });
    const next = float32(state.latents.shape, latents);
    return stateAfter(sampler, { state, prediction, next });
  }

  // deno-lint-ignore require-await -- as above
  async nextStateVjp(
    sampler: Sampler,
    i: number,
    { state, prediction, cotangent }: StepVjpInputs,
  ): Promise<StepCotangents> {
    const back = nextStateVjp(sampler, i, {
      state: stateArrays(state),
      prediction: array(prediction),
      cotangent: {
        latents: array(cotangent.latents),
        past: cotangent.past.map(({ latents, prediction }) => ({
          latents: latents && array(latents),
          prediction: prediction && array(prediction),
        })),
      },
    });
    const { shape } = state.latents;
    const placed = (x: Float32Array | undefined) => x && float32(shape, x);
    return {
      state: {
        latents: float32(shape, back.state.latents),
        past: back.state.past.map(({ latents, prediction }) => ({
          latents: placed(latents),
          prediction: placed(prediction),
        })),
      },
      prediction: float32(shape, back.prediction),
    };
  }

  [Symbol.dispose](): void {}
}

const workspace = new HostWorkspace();

/** Workspaces on the host. */
export const hostWorkspaces: Workspaces = {
  enter: () => workspace,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
