/**
 * Where sampling and its gradient compute what lies between the model's blocks:
 * sums of features, guidance, forecast, the sampler's steps. One pass, from the
 * first latents to the last or back, has one workspace; on a GPU its tensors
 * stay there, and only what is read comes here.
 */
import type { Feeds, PlacedTensor, Session } from "@dip-go/core/runtime";
import type {
  Sampler,
  SamplerCotangent,
  SamplerState,
  StepInputs,
} from "@dip-go/core/samplers";
import type { ForecastScalars } from "../gates/forecast.ts";

/** Brings numbers here that are computed already; to wait for a GPU only once it has all it can do. To be called before the next {@linkcode Workspace.keepOnly}. */
export type Later<T> = () => Promise<T>;

/** Values are never written to, except where {@linkcode Workspace.addInto} says so. Disposing gives all of them back. */
export interface Workspace extends Disposable {
  /** Runs a session; outputs that it keeps stay where they are. */
  run(session: Session, feeds: Feeds): Promise<Record<string, PlacedTensor>>;

  /** Gives back every tensor of this workspace that none of the roots (tensors, or what holds them in objects, arrays and maps) leads to. */
  keepOnly(...roots: readonly unknown[]): void;

  /** Values that many sessions read, brought once to where these compute; there until the workspace is disposed of. */
  place(values: Feeds): Promise<Feeds>;

  /** A tensor's elements. */
  read(x: PlacedTensor): Promise<Float32Array>;

  /** factor · a; `a` itself where the factor is 1. */
  times(a: PlacedTensor, factor: number): Promise<PlacedTensor>;

  /** a + b, or b where there is no a. */
  plus(a: PlacedTensor | undefined, b: PlacedTensor): Promise<PlacedTensor>;

  /** As {@linkcode Workspace.plus}, of an `own` that nobody else holds and nobody may read afterwards. */
  addInto(own: PlacedTensor, b: PlacedTensor): Promise<PlacedTensor>;

  /** See `blend` in `gated_features.ts`. */
  blend(
    a: PlacedTensor,
    b: PlacedTensor | undefined,
    gate: number,
  ): Promise<PlacedTensor>;

  /** ⟨d, a − b⟩ of each sample, `[B]`, of arrays `[2B, ...]`. */
  projections(
    d: PlacedTensor,
    a: PlacedTensor,
    b: PlacedTensor,
  ): Promise<Later<Float64Array>>;

  /** What the model sees, both halves of guidance: `factor` times latents `[B, C, H, W]`, twice. */
  modelInput(latents: PlacedTensor, factor: number): Promise<PlacedTensor>;

  /** Its VJP, `[2B, C, H, W]` → `[B, C, H, W]`. */
  modelInputVjp(cotangent: PlacedTensor, factor: number): Promise<PlacedTensor>;

  /** See `guide` in `guidance.ts`. */
  guide(
    prediction: PlacedTensor,
    options: GuideOptions,
  ): Promise<PlacedTensor>;

  /** Its VJP. @param options.shape Of the prediction, `[2B, C', H, W]`. */
  guideVjp(
    cotangent: PlacedTensor,
    options: { readonly shape: readonly number[]; readonly scale: number },
  ): Promise<PlacedTensor>;

  /** See `forecastFrom` in `forecast.ts`. */
  forecast(
    history: readonly PlacedTensor[],
    scalars: ForecastScalars,
  ): Promise<PlacedTensor>;

  /** dL/d(a, b, c) from the forecast's cotangent. */
  forecastVjp(
    history: readonly PlacedTensor[],
    cotangent: PlacedTensor,
  ): Promise<Later<[number, number, number]>>;

  /** See `nextState` in `sampler_state.ts`. */
  nextState(
    sampler: Sampler,
    i: number,
    inputs: StepInputs<PlacedTensor>,
  ): Promise<SamplerState<PlacedTensor>>;

  /** Its VJP. */
  nextStateVjp(
    sampler: Sampler,
    i: number,
    options: StepVjpInputs,
  ): Promise<StepCotangents>;
}

export interface GuideOptions {
  /** Shape of the latents, `[B, C, H, W]`. */
  readonly latents: readonly number[];
  readonly scale: number;
}

/** What a step was made with, and the cotangent of the state after it. */
export interface StepVjpInputs
  extends Pick<StepInputs<PlacedTensor>, "state" | "prediction"> {
  readonly cotangent: SamplerCotangent<PlacedTensor>;
}

/** Of the state before a step and of its prediction. */
export interface StepCotangents {
  readonly state: SamplerCotangent<PlacedTensor>;
  readonly prediction: PlacedTensor;
}

/** Opens workspaces on one device. */
export interface Workspaces extends AsyncDisposable {
  enter(): Workspace;
}
