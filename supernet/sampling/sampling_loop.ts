/**
 * The loop of every sampler: T times the latents go into the model, guidance
 * and forecast make a prediction of what comes out, and the sampler steps.
 */
import type { SamplingInputs } from "@dip-go/core/pipeline";
import type { PlacedTensor } from "@dip-go/core/runtime";
import {
  type PastStep,
  type SamplerState,
  type SamplerStep,
  startState,
} from "@dip-go/core/samplers";
import { describe, float32, type Tensor } from "@dip-go/core/tensor";
import {
  type Forecast,
  type ForecastScalars,
  historyLength,
} from "../gates/forecast.ts";
import type { Gates } from "../gates/gates.ts";
import type { SuperNet } from "../gates/super_net.ts";
import type { Workspace } from "../workspace/workspace.ts";

export interface SampleRequest extends SamplingInputs {
  readonly gates: Gates;
  /** How held predictions are combined, one row a step, or decided as the step is reached; held as they are by default. */
  readonly forecast?: Forecast | ((step: HeldStep) => Promise<ForecastScalars>);
  /** Called at each step, before its latents are replaced. */
  readonly observe?: (step: SampledStep) => void | Promise<void>;
}

/** A step about to hold its prediction. */
export interface HeldStep {
  readonly step: number;
  /** Brings the values here, from a GPU if they are there; to be called before the callback ends. */
  read(): Promise<HeldValues>;
}

/** A step as it was made. */
export interface SampledStep {
  readonly step: number;
  /** As {@linkcode HeldStep.read}. */
  read(): Promise<SampledValues>;
}

export interface HeldValues {
  /** What the step starts from. */
  readonly state: SamplerState;
  /** The last predictions computed before this step, after guidance, `[B, C, H, W]`, latest first. */
  readonly history: readonly Float32Array[];
}

export interface SampledValues extends HeldValues {
  /** After guidance, `[B, C, H, W]`. */
  readonly prediction: Float32Array;
}

/** The model's inputs of one step, by name. */
export type ModelFeeds = Readonly<Record<string, PlacedTensor>>;

/** How a sampler calls the model. */
export interface ModelCalls {
  /** What the sampler computes in; the caller's. */
  readonly workspace: Workspace;
  /** What units hold. */
  readonly held: ReadonlyMap<string, PlacedTensor>;
  /** Runs what step t computes: the model's output `[2B, C', H, W]`, or nothing where the step holds its prediction. */
  call(
    step: number,
    feeds: () => Promise<ModelFeeds>,
  ): Promise<PlacedTensor | undefined>;
}

/** What is carried from step to step. */
interface Carried {
  readonly state: SamplerState<PlacedTensor>;
  /** Computed predictions after guidance, latest first. */
  readonly history: readonly PlacedTensor[];
}

async function heldValues(
  workspace: Workspace,
  { state, history }: Carried,
): Promise<HeldValues> {
  const past: PastStep[] = [];
  for (const { latents, prediction } of state.past) {
    past.push({
      latents: await workspace.read(latents),
      prediction: await workspace.read(prediction),
    });
  }
  const held: Float32Array[] = [];
  for (const prediction of history) held.push(await workspace.read(prediction));
  const latents = await workspace.read(state.latents);
  return { state: { latents, past }, history: held };
}

/**
 * The sampler's final latents, `[B, C, H, W]`.
 *
 * @throws {RangeError} If the steps or shapes do not fit the SuperNet.
 */
export async function runSampler(
  net: SuperNet,
  request: Omit<SampleRequest, "gates">,
  { workspace, held, call }: ModelCalls,
): Promise<Tensor<"float32">> {
  checkRequest(net, request);
  const { latents, sampler, noise, guidanceScale, observe } = request;
  const { shape } = latents;
  const conditioning = await workspace.place(request.conditioning);
  let carried: Carried = { state: firstState(request), history: [] };
  for (const [step, at] of sampler.steps.entries()) {
    const before = carried;
    const { state, history } = before;
    const output = await call(step, async () => ({
      ...conditioning,
      ...await stepFeeds(net, at, { workspace, latents: state.latents }),
    }));
    const prediction = output
      ? await workspace.guide(output, { latents: shape, scale: guidanceScale })
      : await workspace.forecast(
        history,
        await scalarsOf(request, {
          step,
          read: () => heldValues(workspace, before),
        }),
      );
    await observe?.({
      step,
      read: async () => ({
        ...await heldValues(workspace, before),
        prediction: await workspace.read(prediction),
      }),
    });
    carried = {
      state: await workspace.nextState(sampler, step, {
        state,
        prediction,
        noise: placedNoise(noise?.[step], shape),
      }),
      history: output
        ? [prediction, ...history].slice(0, historyLength)
        : history,
    };
    workspace.keepOnly(carried, held);
  }
  return float32(shape, await workspace.read(carried.state.latents));
}

/** The state before step 0. */
export const firstState = (
  { latents: { shape, data }, sampler }: Pick<
    SamplingInputs,
    "latents" | "sampler"
  >,
): SamplerState<PlacedTensor> => ({
  latents: float32(shape, startState(sampler, data).latents),
  past: [],
});

/** A step's noise, if it has any, as a tensor. */
export const placedNoise = (
  noise: Float32Array | undefined,
  shape: readonly number[],
): Tensor | undefined => noise && float32(shape, noise);

async function scalarsOf(
  { forecast }: Pick<SampleRequest, "forecast">,
  held: HeldStep,
): Promise<ForecastScalars> {
  if (typeof forecast === "function") return await forecast(held);
  return forecast?.[held.step] ?? [0, 0, 0];
}

/**
 * The model's inputs that change from step to step.
 *
 * @param options.latents What the step starts from, `[B, C, H, W]`.
 */
export async function stepFeeds(
  { model: { inputs: [{ shape: [batch] }] } }: SuperNet,
  { timestep, inputScale }: SamplerStep,
  { workspace, latents }: { workspace: Workspace; latents: PlacedTensor },
): Promise<{ sample: PlacedTensor; timestep: Tensor<"float32"> }> {
  return {
    sample: await workspace.modelInput(latents, inputScale),
    timestep: float32([batch], new Float32Array(batch).fill(timestep)),
  };
}

function checkRequest(
  { model, steps }: SuperNet,
  { latents, sampler }: Pick<SampleRequest, "latents" | "sampler">,
): void {
  const [sample] = model.inputs;
  const wanted = {
    ...sample,
    shape: sample.shape.with(0, sample.shape[0] / 2),
  };
  if (describe(latents) !== describe(wanted)) {
    throw new RangeError(
      `Cannot sample with ${model.model}: latents are ${
        describe(latents)
      }, expected ${describe(wanted)} (half the model's batch)`,
    );
  }
  if (sampler.steps.length !== steps) {
    throw new RangeError(
      `Cannot sample with ${model.model}: the sampler makes ${sampler.steps.length} steps, expected the SuperNet's ${steps}`,
    );
  }
}
