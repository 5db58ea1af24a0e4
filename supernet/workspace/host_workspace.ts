/** A workspace on the host: plain loops, and memory that the garbage collector gives back. */
import { guide, guideVjp, twice, twiceVjp } from "@dip-go/core/pipeline";
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
  plus,
  sizeOf,
  type Tensor,
  times,
} from "@dip-go/core/tensor";
import {
  forecastFrom,
  type ForecastScalars,
  forecastVjp,
} from "../gates/forecast.ts";
import { blend, projections } from "./gated_features.ts";
import type {
  GuideOptions,
  Later,
  StepCotangents,
  StepVjpInputs,
  Workspace,
  Workspaces,
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

class HostWorkspace implements Workspace {
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

  times(a: PlacedTensor, factor: number): Promise<PlacedTensor> {
    return like(a, times(array(a), factor));
  }

  plus(a: PlacedTensor | undefined, b: PlacedTensor): Promise<PlacedTensor> {
    return like(b, plus(a && array(a), array(b)));
  }

  addInto(own: PlacedTensor, b: PlacedTensor): Promise<PlacedTensor> {
    addInto(array(own), array(b));
    return Promise.resolve(own);
  }

  blend(
    a: PlacedTensor,
    b: PlacedTensor | undefined,
    gate: number,
  ): Promise<PlacedTensor> {
    return like(a, blend(array(a), b && array(b), gate));
  }

  projections(
    d: PlacedTensor,
    a: PlacedTensor,
    b: PlacedTensor,
  ): Promise<Later<Float64Array>> {
    const samples = d.shape[0] / 2;
    const sums = projections(array(d), array(a), array(b), samples);
    return Promise.resolve(() => Promise.resolve(sums));
  }

  modelInput(latents: PlacedTensor, factor: number): Promise<PlacedTensor> {
    const [batch, ...rest] = latents.shape;
    const x = twice(times(array(latents), factor));
    return Promise.resolve(float32([2 * batch, ...rest], x));
  }

  modelInputVjp(
    cotangent: PlacedTensor,
    factor: number,
  ): Promise<PlacedTensor> {
    const [batch, ...rest] = cotangent.shape;
    const back = times(twiceVjp(array(cotangent)), factor);
    return Promise.resolve(float32([batch / 2, ...rest], back));
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
    const batch = shape[0] / 2;
    const options = { batch, scale, size: sizeOf(shape) };
    return Promise.resolve(float32(shape, guideVjp(array(cotangent), options)));
  }

  forecast(
    history: readonly PlacedTensor[],
    scalars: ForecastScalars,
  ): Promise<PlacedTensor> {
    return like(history[0], forecastFrom(history.map(array), scalars));
  }

  forecastVjp(
    history: readonly PlacedTensor[],
    cotangent: PlacedTensor,
  ): Promise<Later<[number, number, number]>> {
    const scalars = forecastVjp(history.map(array), array(cotangent));
    return Promise.resolve(() => Promise.resolve(scalars));
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

/** Of the shape of another. */
const like = (
  { shape }: PlacedTensor,
  data: Float32Array,
): Promise<PlacedTensor> => Promise.resolve(float32(shape, data));

const workspace = new HostWorkspace();

/** Workspaces on the host. */
export const hostWorkspaces: Workspaces = {
  enter: () => workspace,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
