/**
 * The sampling loop with backup connections: a step's prediction is the model's
 * after guidance, or the whole step's payload.
 */
import {
  isGuided,
  latentsShape,
  refuseRescale,
  type SamplingInputs,
  samplingLoop,
  timesteps,
  withKnown,
} from "@dip-go/core/pipeline";
import type { PlacedTensor } from "@dip-go/core/runtime";
import {
  type PastStep,
  refuseThresholding,
  type SamplerState,
  type SamplerStep,
  startState,
} from "@dip-go/core/samplers";
import { describe, float32, type Tensor } from "@dip-go/core/tensor";
import type { Gates } from "../gates/gates.ts";
import {
  longestHistory,
  type PayloadRow,
  type Payloads,
  rowOf,
} from "../gates/payloads.ts";
import type { SuperNet } from "../gates/super_net.ts";
import type { Workspace } from "../workspace/workspace.ts";

export interface SampleRequest extends SamplingInputs {
  readonly gates: Gates;
  /** What units yield where they are not computed; what they hold by default. */
  readonly payloads?: Payloads;
  /** The whole step's row, decided as the step is reached: in the place of that of its payload. */
  readonly fill?: (step: HeldStep) => Promise<PayloadRow>;
  /** Called at each step, before its latents are replaced. */
  readonly observe?: (step: SampledStep) => void | Promise<void>;
  /** Called with what each unit computed, its first output as it is held; only by a runner of single blocks. */
  readonly watch?: (made: ComputedUnit) => void;
}

/** What a unit computed at a step. */
export interface ComputedUnit {
  readonly unit: string;
  readonly step: number;
  readonly value: Float32Array;
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
  /** What units hold, in maps. */
  readonly held: ReadonlyMap<string, unknown>;
  /** Runs what step t computes: the model's output `[2B, C', H, W]`, or nothing where the step holds its prediction. */
  call(
    step: number,
    feeds: () => Promise<ModelFeeds>,
  ): Promise<PlacedTensor | undefined>;
}

async function heldValues(
  workspace: Workspace,
  { latents, past }: SamplerState<PlacedTensor>,
  history: readonly PlacedTensor[],
): Promise<HeldValues> {
  const pastHere: PastStep[] = [];
  for (const { latents, prediction } of past) {
    pastHere.push({
      latents: await workspace.read(latents),
      prediction: await workspace.read(prediction),
    });
  }
  const held: Float32Array[] = [];
  for (const prediction of history) held.push(await workspace.read(prediction));
  const state = { latents: await workspace.read(latents), past: pastHere };
  return { state, history: held };
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
  const { latents, sampler, noise, known, guidanceScale, observe } = request;
  const { shape } = latents;
  const conditioning = await workspace.place(request.conditioning);
  /** Computed predictions after guidance, latest first. */
  let history: readonly PlacedTensor[] = [];
  /** Those before the step that is made. */
  let before = history;
  const final = await samplingLoop(sampler, firstState(request), {
    async predict(step, state) {
      before = history;
      const output = await call(step, async () => ({
        ...conditioning,
        ...await stepFeeds(workspace, sampler.steps[step], {
          latents: state.latents,
          guidanceScale,
        }),
      }));
      if (!output) {
        const read = () => heldValues(workspace, state, before);
        const row = await request.fill?.({ step, read }) ??
          rowOf(request.payloads, net.model.output, step);
        return await workspace.blend(undefined, 0, { row, held: history });
      }
      const guiding = { latents: shape, scale: guidanceScale };
      const prediction = await workspace.guide(output, guiding);
      history = [prediction, ...history].slice(0, longestHistory);
      return prediction;
    },
    async next(step, { state, prediction }) {
      await observe?.({
        step,
        read: async () => ({
          ...await heldValues(workspace, state, before),
          prediction: await workspace.read(prediction),
        }),
      });
      const next = await workspace.nextState(sampler, step, {
        state,
        prediction,
        noise: placedNoise(noise?.[step], shape),
      });
      workspace.keepOnly(next, history, held);
      if (!known) return next;
      const drawn = await workspace.read(next.latents);
      return {
        ...next,
        latents: float32(shape, withKnown(drawn, known, step)),
      };
    },
  });
  return float32(shape, await workspace.read(final));
}

/** The state before step 0. @throws {TypeError} If the sampler thresholds, which no SubNet does. */
export function firstState(
  { latents: { shape, data }, sampler }: Pick<
    SamplingInputs,
    "latents" | "sampler"
  >,
): SamplerState<PlacedTensor> {
  refuseThresholding(sampler, "sample a SubNet with");
  return {
    latents: float32(shape, startState(sampler, data).latents),
    past: [],
  };
}

/** A step's noise, if it has any, as a tensor. */
export const placedNoise = (
  noise: Float32Array | undefined,
  shape: readonly number[],
): Tensor | undefined => noise && float32(shape, noise);

/**
 * The model's inputs that change from step to step.
 *
 * @param options.latents What the step starts from, `[B, C, H, W]`.
 */
export async function stepFeeds(
  workspace: Workspace,
  { timestep, inputScale: factor }: SamplerStep,
  { latents, guidanceScale: scale }: {
    latents: PlacedTensor;
    guidanceScale: number;
  },
): Promise<{ sample: PlacedTensor; timestep: Tensor<"float32"> }> {
  const sample = await workspace.modelInput(latents, { factor, scale });
  return { sample, timestep: timesteps(sample.shape[0], timestep) };
}

function checkRequest(
  { model, steps }: SuperNet,
  { latents, sampler, guidanceScale, guidanceRescale }: Pick<
    SampleRequest,
    "latents" | "sampler" | "guidanceScale" | "guidanceRescale"
  >,
): void {
  const { dtype } = model.inputs[0];
  refuseRescale({ guidanceRescale }, `sample with ${model.model}`);
  const shape = latentsShape(model, guidanceScale);
  if (describe(latents) !== describe({ dtype, shape })) {
    const batch = isGuided(guidanceScale) ? "half the model's" : "the model's";
    throw new RangeError(
      `Cannot sample with ${model.model}: latents are ${
        describe(latents)
      }, expected ${
        describe({ dtype, shape })
      } (${batch} batch at guidance ${guidanceScale})`,
    );
  }
  if (sampler.steps.length !== steps) {
    throw new RangeError(
      `Cannot sample with ${model.model}: the sampler makes ${sampler.steps.length} steps, expected the SuperNet's ${steps}`,
    );
  }
}
