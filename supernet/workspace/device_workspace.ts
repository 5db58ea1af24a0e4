/** A workspace on a GPU: what it computes stays in the GPU's memory until nothing refers to it. */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import { halvesOf } from "@dip-go/core/pipeline";
import {
  DeviceTensor,
  type Feeds,
  type PlacedTensor,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import {
  type PastStep,
  type Sampler,
  type SamplerState,
  stateAfter,
  type StepInputs,
} from "@dip-go/core/samplers";
import { float32, type Tensor, zeros } from "@dip-go/core/tensor";
import { factorShape } from "../gates/payloads.ts";
import {
  combined,
  copied,
  guidance,
  inHalves,
  type Operation,
  OperationSessions,
  result,
  rowProducts,
  samplerStep,
  sent,
  stepName,
  vjpOf,
} from "./device_operations.ts";
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

/** Every tensor on a device that objects, arrays and maps lead to. */
function reachedFrom(root: unknown, reached = new Set<unknown>()) {
  if (typeof root !== "object" || root === null || reached.has(root)) {
    return reached;
  }
  reached.add(root);
  if (root instanceof DeviceTensor || ArrayBuffer.isView(root)) return reached;
  const values = root instanceof Map ? root.values() : Object.values(root);
  for (const value of values) reachedFrom(value, reached);
  return reached;
}

const scalar = (value: number): Tensor => float32([1], [value]);

/** Latents and predictions by the names that a sampler's step has for them. */
function stepFeeds(
  { state: { latents, past }, prediction }: Pick<
    StepInputs<PlacedTensor>,
    "state" | "prediction"
  >,
): Feeds {
  const named = [{ latents, prediction }, ...past].flatMap((step, k) => [
    [stepName("latents", k), step.latents],
    [stepName("prediction", k), step.prediction],
  ]);
  return Object.fromEntries(named);
}

class DeviceWorkspace extends Workspace {
  /** Made here and not given back. */
  readonly #made = new Set<DeviceTensor>();
  readonly #placed: Feeds[] = [];

  constructor(private readonly sessions: OperationSessions) {
    super();
  }

  async run(
    session: Session,
    feeds: Feeds,
  ): Promise<Record<string, PlacedTensor>> {
    const { outputs, kept } = await session.runKeeping(feeds);
    for (const tensor of Object.values(kept)) {
      if (tensor instanceof DeviceTensor) this.#made.add(tensor);
    }
    return { ...outputs, ...kept };
  }

  keepOnly(...roots: readonly unknown[]): void {
    const reached = reachedFrom([roots, this.#placed]);
    for (const tensor of this.#made) {
      if (reached.has(tensor)) continue;
      tensor.dispose();
      this.#made.delete(tensor);
    }
  }

  /** Those in float32; others are a few numbers each. */
  async place(values: Feeds): Promise<Feeds> {
    const placed: Record<string, PlacedTensor> = {};
    for (const [name, x] of Object.entries(values)) {
      placed[name] = x.dtype === "float32"
        ? await this.#result(sent(x.shape), { x })
        : x;
    }
    this.#placed.push(placed);
    return placed;
  }

  async read(x: PlacedTensor): Promise<Float32Array> {
    const here = x instanceof DeviceTensor
      ? await this.#result(copied(x.shape), { x })
      : x;
    return (here as Tensor).data as Float32Array;
  }

  async projections(
    d: PlacedTensor,
    [a, b]: readonly [PlacedTensor, PlacedTensor?],
    samples: number,
  ): Promise<Later<Float64Array>> {
    const what = rowProducts(d.shape, { minus: b !== undefined });
    const rows = await this.#result(what, { d, a, ...b && { b } });
    return async () => {
      const sums = new Float64Array(samples);
      for (const [row, sum] of (await this.read(rows)).entries()) {
        sums[row % samples] += sum;
      }
      return sums;
    };
  }

  modelInput(
    latents: PlacedTensor,
    { factor, scale }: InputOptions,
  ): Promise<PlacedTensor> {
    const feeds = { latents, factor: scalar(factor) };
    return this.#result(inHalves(latents.shape, scale), feeds);
  }

  async modelInputVjp(
    cotangent: PlacedTensor,
    { factor, scale }: InputOptions,
  ): Promise<PlacedTensor> {
    const [batch, ...rest] = cotangent.shape;
    const feeds = { factor: scalar(factor), [cotangentOf(result)]: cotangent };
    const forward = inHalves([batch / halvesOf(scale), ...rest], scale);
    const gradients = await this.#outputs(vjpOf(forward, ["latents"]), feeds);
    return gradients[gradientOf("latents")];
  }

  guide(
    prediction: PlacedTensor,
    { latents: [, channels], scale }: GuideOptions,
  ): Promise<PlacedTensor> {
    const what = guidance(prediction.shape, { channels, scale });
    return this.#result(what, { prediction });
  }

  async guideVjp(
    cotangent: PlacedTensor,
    { shape, scale }: { shape: readonly number[]; scale: number },
  ): Promise<PlacedTensor> {
    const forward = guidance(shape, { channels: cotangent.shape[1], scale });
    const feeds = { [cotangentOf(result)]: cotangent };
    const what = vjpOf(forward, ["prediction"]);
    return (await this.#outputs(what, feeds))[gradientOf("prediction")];
  }

  async nextState(
    sampler: Sampler,
    i: number,
    { state, prediction, noise }: StepInputs<PlacedTensor>,
  ): Promise<SamplerState<PlacedTensor>> {
    const feeds = stepFeeds({ state, prediction });
    const next = await this.#result(
      this.#step(sampler, i, state),
      noise ? { ...feeds, noise } : feeds,
    );
    return stateAfter(sampler, { state, prediction, next });
  }

  async nextStateVjp(
    sampler: Sampler,
    i: number,
    { state, prediction, cotangent }: StepVjpInputs,
  ): Promise<StepCotangents> {
    const forward = this.#step(sampler, i, state);
    const flowing = await this.#outputs(vjpOf(forward), {
      ...stepFeeds({ state, prediction }),
      [cotangentOf(result)]: cotangent.latents,
    });
    const total = async (key: keyof PastStep, k: number) => {
      const later = cotangent.past[k]?.[key];
      const own = flowing[gradientOf(stepName(key, k))];
      return own ? await this.plus(later, own) : later;
    };
    const past: Partial<PastStep<PlacedTensor>>[] = [];
    for (let k = 1; k <= state.past.length; k++) {
      past.push({
        latents: await total("latents", k),
        prediction: await total("prediction", k),
      });
    }
    const none = zeros(state.latents.shape);
    return {
      state: { latents: await total("latents", 0) ?? none, past },
      prediction: await total("prediction", 0) ?? none,
    };
  }

  /** What step i computes from a state. */
  #step(
    { steps }: Sampler,
    i: number,
    { latents: { shape }, past }: SamplerState<PlacedTensor>,
  ): Operation {
    return samplerStep(steps[i], { shape, before: past.length });
  }

  protected sum(terms: readonly Term[]): Promise<PlacedTensor> {
    const shapes = terms.map(([factor, x]) => factorShape(factor, x.shape));
    const feeds = terms.flatMap(([factor, x], k) => [
      [`x.${k}`, x],
      [`factor.${k}`, float32(shapes[k], [factor].flat())],
    ]);
    const what = combined(shapes, terms[0][1].shape);
    return this.#result(what, Object.fromEntries(feeds));
  }

  /** Runs an operation; values that it does not read are left out. */
  async #outputs(
    what: Operation,
    values: Feeds,
  ): Promise<Record<string, PlacedTensor>> {
    const session = await this.sessions.of(what);
    const read = session.graph.inputs.map(({ name }) => name)
      .filter((name) => name in values);
    const feeds = read.map((name) => [name, values[name]]);
    return await this.run(session, Object.fromEntries(feeds));
  }

  async #result(what: Operation, values: Feeds): Promise<PlacedTensor> {
    return (await this.#outputs(what, values))[result];
  }

  [Symbol.dispose](): void {
    this.#placed.length = 0;
    this.keepOnly();
  }
}

/** Workspaces on the options' device. */
export function deviceWorkspaces(options: SessionOptions): Workspaces {
  const sessions = new OperationSessions(options);
  return {
    enter: () => new DeviceWorkspace(sessions),
    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  };
}
