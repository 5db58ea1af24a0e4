/**
 * Where sampling and its gradient compute what lies between the model's blocks:
 * sums of features, guidance, payloads, the sampler's steps. One pass, from the
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
import type { Coefficient, PayloadRow } from "../gates/payloads.ts";

/** Brings computed numbers here. A GPU is waited for only once it has all its work; call it before the next {@linkcode Workspace.keepOnly}. */
export type Later<T> = () => Promise<T>;

/** A factor, or one for each channel, and what it multiplies. */
export type Term = readonly [Coefficient, PlacedTensor];

/** Values are never written to, except where {@linkcode Workspace.addInto} says so. Disposing gives all of them back. */
export abstract class Workspace implements Disposable {
  /** Runs a session; outputs that it keeps stay where they are. */
  abstract run(
    session: Session,
    feeds: Feeds,
  ): Promise<Record<string, PlacedTensor>>;

  /** Frees every tensor that no root refers to; roots are tensors, or objects, arrays and maps that hold some. */
  abstract keepOnly(...roots: readonly unknown[]): void;

  /** Brings values that many sessions read to where these compute; they stay there until the workspace is disposed of. */
  abstract place(values: Feeds): Promise<Feeds>;

  /** A tensor's elements. */
  abstract read(x: PlacedTensor): Promise<Float32Array>;

  /** Adds factor · value. Terms of factor 0 are not read where there are others; a lone value of factor 1 is itself the sum. */
  combined(terms: readonly Term[]): Promise<PlacedTensor> {
    const some = terms.filter(([factor]) => factor !== 0);
    const read = some.length > 0 ? some : terms.slice(0, 1);
    const [[factor, value]] = read;
    return read.length === 1 && factor === 1
      ? Promise.resolve(value)
      : this.sum(read);
  }

  /** factor · a; `a` itself where the factor is 1. */
  times(a: PlacedTensor, factor: number): Promise<PlacedTensor> {
    return this.combined([[factor, a]]);
  }

  /** a + b, or b where there is no a. */
  plus(a: PlacedTensor | undefined, b: PlacedTensor): Promise<PlacedTensor> {
    return this.combined(a ? [[1, a], [1, b]] : [[1, b]]);
  }

  /** As {@linkcode Workspace.plus}, of an `own` that nobody else holds and nobody may read afterwards. */
  addInto(own: PlacedTensor, b: PlacedTensor): Promise<PlacedTensor> {
    return this.plus(own, b);
  }

  /** gate · computed + (1 − gate) · payload; `computed` where nothing is held. */
  blend(
    computed: PlacedTensor | undefined,
    gate: number,
    held: Held,
  ): Promise<PlacedTensor> {
    if (held.held.length === 0) return this.combined([[1, computed!]]);
    const rest = gate === 1 ? [] : termsOf(held, 1 - gate);
    return this.combined(
      computed && gate !== 0 ? [[gate, computed], ...rest] : rest,
    );
  }

  /** ⟨d, a − b⟩, or ⟨d, a⟩ where there is no b, of each of B samples, `[B]`, of arrays of the network's batch: `[B, ...]`, or `[2B, ...]` where they are guided. */
  abstract projections(
    d: PlacedTensor,
    minus: readonly [a: PlacedTensor, b?: PlacedTensor],
    samples: number,
  ): Promise<Later<Float64Array>>;

  /** What the model sees: `factor` times latents `[B, C, H, W]`, once for each half of guidance. */
  abstract modelInput(
    latents: PlacedTensor,
    options: InputOptions,
  ): Promise<PlacedTensor>;

  /** Its VJP, to `[B, C, H, W]`. */
  abstract modelInputVjp(
    cotangent: PlacedTensor,
    options: InputOptions,
  ): Promise<PlacedTensor>;

  /** See `guide` in `guidance.ts`. */
  abstract guide(
    prediction: PlacedTensor,
    options: GuideOptions,
  ): Promise<PlacedTensor>;

  /** Its VJP. @param options.shape Of the prediction, of the network's batch. */
  abstract guideVjp(
    cotangent: PlacedTensor,
    options: { readonly shape: readonly number[]; readonly scale: number },
  ): Promise<PlacedTensor>;

  /** See `nextState` in `sampler_state.ts`. */
  abstract nextState(
    sampler: Sampler,
    i: number,
    inputs: StepInputs<PlacedTensor>,
  ): Promise<SamplerState<PlacedTensor>>;

  /** Its VJP. */
  abstract nextStateVjp(
    sampler: Sampler,
    i: number,
    options: StepVjpInputs,
  ): Promise<StepCotangents>;

  /** Adds factor · value of at least one term, all of one shape; no factor is 0 unless its term is alone. */
  protected abstract sum(terms: readonly Term[]): Promise<PlacedTensor>;

  abstract [Symbol.dispose](): void;
}

/** What a unit holds, newest first, and its payload's coefficients. */
export interface Held {
  readonly row: PayloadRow;
  readonly held: readonly PlacedTensor[];
}

/** The terms of a payload, each times a share. */
export const termsOf = ({ row, held }: Held, share = 1): Term[] =>
  row.map((c, j) => [
    typeof c === "number" ? share * c : c.map((each) => share * each),
    held[j],
  ]);

export interface InputOptions {
  /** The sampler's, at this step. */
  readonly factor: number;
  /** Of guidance. */
  readonly scale: number;
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
