/**
 * The sampling loop with backup connections: guidance makes a step's prediction
 * from the model's output, or from the whole step's payload.
 */
import {
  type GuidanceScales,
  guide,
  isGuided,
  latentsShape,
  refuseRescale,
  type SamplingInputs,
  timesteps,
  withKnown,
} from "@dip-go/core/pipeline";
import type { PlacedTensor } from "@dip-go/core/runtime";
import type { PastStep, SamplerState } from "@dip-go/core/samplers";
import { describe, float32, type Tensor } from "@dip-go/core/tensor";
import type { Gates } from "../gates/gates.ts";
import {
  firstHalves,
  type Halves,
  halvesAt,
  otherHalfAt,
  WholeOutputs,
} from "../gates/halves.ts";
import { fillHalves } from "../workspace/half_operations.ts";
import { type PayloadRow, type Payloads, rowOf } from "../gates/payloads.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { SamplerArithmetic } from "./sampler_arithmetic.ts";
import type { Workspace } from "../workspace/workspace.ts";

export interface SampleRequest extends SamplingInputs {
  readonly gates: Gates;
  /** The payloads of units at steps that do not compute them; units hold by default. */
  readonly payloads?: Payloads;
  /** The halves of guidance that each step evaluates; both by default. */
  readonly halves?: readonly Halves[];
  /** Decides the whole step's row when the step is reached, instead of its payload's. */
  readonly fill?: (step: HeldStep) => Promise<PayloadRow>;
  /** Called at each step, before its latents are replaced. */
  readonly observe?: (step: SampledStep) => void | Promise<void>;
  /** Called with the first output that each unit computed, before `mix`; only by a runner of single blocks. */
  readonly watch?: (made: UnitValue) => void;
  /** Makes the value to hold from one that a unit computed; only by a runner of single blocks. */
  readonly mix?: (made: UnitValue) => Float32Array;
}

/** A value that a unit computed at a step, with the rows that the step evaluates. */
export interface UnitValue {
  readonly unit: string;
  readonly step: number;
  readonly value: Float32Array;
}

/** A step that is about to yield the whole step's payload. */
export interface HeldStep {
  readonly step: number;
  /** Reads the values, from a GPU if they are there; must be called before the callback ends. */
  read(): Promise<HeldValues>;
}

export interface SampledStep {
  readonly step: number;
  /** As {@linkcode HeldStep.read}. */
  read(): Promise<SampledValues>;
}

export interface HeldValues {
  /** The state before the step. */
  readonly state: SamplerState;
  /** The last predictions computed before this step, after guidance, `[B, C, H, W]`, latest first. */
  readonly history: readonly Float32Array[];
}

export interface SampledValues extends HeldValues {
  /** The prediction after guidance, `[B, C, H, W]`. */
  readonly prediction: Float32Array;
}

/** The model's inputs of one step, by name. */
export type ModelFeeds = Readonly<Record<string, PlacedTensor>>;

export interface ModelCalls {
  /** The caller's workspace, in which the sampler computes. */
  readonly workspace: Workspace;
  /** The values that units hold, in maps. */
  readonly held: ReadonlyMap<string, unknown>;
  /** Runs a step; returns the model's output `[2B, C', H, W]` (`[B, …]` of one half), undefined if it has none. */
  call(
    step: number,
    feeds: ModelFeeds,
  ): Promise<PlacedTensor | undefined>;
}

/** The values that observers read of a step, with guidance applied to `history`. */
async function heldValues(
  workspace: Workspace,
  { latents, past }: SamplerState<PlacedTensor>,
  { history, ...guiding }: GuidanceScales & {
    readonly history: readonly PlacedTensor[];
    readonly latents: readonly number[];
  },
): Promise<HeldValues> {
  const pastHere: PastStep[] = [];
  for (const { latents, prediction } of past) {
    pastHere.push({
      latents: await workspace.read(latents),
      prediction: await workspace.read(prediction),
    });
  }
  const held: Float32Array[] = [];
  for (const output of history) {
    held.push(guide(await workspace.read(output), guiding));
  }
  const state = { latents: await workspace.read(latents), past: pastHere };
  return { state, history: held };
}

/** The whole step's output. @param made The model's output, if computed. @param row Returns the payload's row. */
async function wholeOutput(
  { workspace, outputs, step }: {
    readonly workspace: Workspace;
    readonly outputs: WholeOutputs<PlacedTensor>;
    readonly step: number;
  },
  { payloads, halves }: Pick<SampleRequest, "payloads" | "halves">,
  made: PlacedTensor | undefined,
  row: () => Promise<PayloadRow>,
): Promise<PlacedTensor> {
  if (!made) {
    return await workspace.payload({ row: await row(), held: outputs.history });
  }
  const own = halvesAt(halves, step);
  const other = otherHalfAt(payloads, step);
  const whole = own === "conditional"
    ? await fillHalves(workspace, { computed: made, held: outputs.both, other })
    : made;
  outputs.push(whole, own);
  return whole;
}

/**
 * Samples the final latents, `[B, C, H, W]`.
 *
 * @throws {RangeError} If the steps or shapes do not fit the SuperNet.
 */
export async function runSampler(
  net: SuperNet,
  request: Omit<SampleRequest, "gates">,
  { workspace, held, call }: ModelCalls,
): Promise<Tensor<"float32">> {
  checkRequest(net, request);
  const { latents: { shape }, sampler, noise, known, halves } = request;
  const arithmetic = new SamplerArithmetic(net, request, workspace);
  const conditioning = {
    both: await workspace.place(request.conditioning),
    conditional: halves?.includes("conditional")
      ? await workspace.place(firstHalves(request.conditioning))
      : {},
  };
  let state = await arithmetic.start(request.latents);
  const outputs = new WholeOutputs<PlacedTensor>();
  for (const [step, { timestep }] of sampler.steps.entries()) {
    const [own, { history }] = [state, outputs];
    const read = () =>
      heldValues(workspace, own, {
        history,
        latents: shape,
        scale: request.guidanceScale,
        scales: request.guidanceScales,
      });
    const made = await call(step, {
      ...conditioning[halvesAt(halves, step)],
      sample: own.sample,
      timestep: timesteps(own.sample.shape[0], timestep),
    });
    const row = async () =>
      await request.fill?.({ step, read }) ??
        rowOf(request.payloads, net.model.output, step);
    const at = { workspace, outputs, step };
    const output = await wholeOutput(at, request, made, row);
    const after = await arithmetic.next(step, {
      state: own,
      output,
      noise: noise?.[step],
    });
    await request.observe?.({
      step,
      read: async () => ({
        ...await read(),
        prediction: await workspace.read(after.prediction),
      }),
    });
    state = after.state;
    workspace.keepOnly(state, outputs, held);
    if (known && step + 1 < sampler.steps.length) {
      const drawn = await workspace.read(state.latents);
      const latents = float32(shape, withKnown(drawn, known, step));
      state = await arithmetic.from({ ...state, latents }, step + 1);
    }
  }
  const final = await workspace.read(state.latents);
  const last = sampler.steps.length - 1;
  return float32(shape, known ? withKnown(final, known, last) : final);
}

function checkRequest(
  { model, steps }: SuperNet,
  { latents, sampler, guidanceScale, guidanceRescale }: SamplingInputs,
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
