/**
 * The loop of every sampler: T times the latents go into the model, guidance
 * and forecast make a prediction of what comes out, and the sampler steps.
 */
import type { Sampler } from "../core/samplers/sampler.ts";
import {
  nextState,
  type SamplerState,
  startState,
  type StepNoise,
} from "../core/samplers/sampler_state.ts";
import { describe, float32, type Tensor } from "../core/tensor.ts";
import { times } from "../core/vectors.ts";
import {
  type Forecast,
  forecastFrom,
  type ForecastScalars,
  historyLength,
} from "./forecast.ts";
import type { Gates } from "./gates.ts";
import { guide, twice } from "./guidance.ts";
import type { SuperNet } from "./super_net.ts";

/** What every way of sampling needs. */
export interface SamplingInputs {
  /** Initial noise, `[B, C, H, W]`; the model's batch must be 2B. */
  readonly latents: Tensor<"float32">;
  /** The model's inputs besides `sample` and `timestep`, batch 2B, conditional half first. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  /** For the steps at which the sampler adds noise. */
  readonly noise?: StepNoise;
  readonly guidanceScale: number;
}

export interface SampleRequest extends SamplingInputs {
  readonly gates: Gates;
  /** How held predictions are combined, one row a step, or decided as the step is reached; held as they are by default. */
  readonly forecast?: Forecast | ((step: HeldStep) => ForecastScalars);
  /** Called at each step with the latents it starts from and the prediction it uses. */
  readonly observe?: (step: SampledStep) => void;
}

/** A step about to hold its prediction. */
export interface HeldStep {
  readonly step: number;
  /** What the step starts from. */
  readonly state: SamplerState;
  /** The last computed predictions after guidance, `[B, C, H, W]`, latest first. */
  readonly history: readonly Float32Array[];
}

/** A step as it was made. */
export interface SampledStep {
  readonly step: number;
  readonly state: SamplerState;
  /** After guidance, `[B, C, H, W]`. */
  readonly prediction: Float32Array;
  /** The last predictions computed before this step, latest first. */
  readonly history: readonly Float32Array[];
}

/** The model's inputs of one step, by name. */
export type ModelFeeds = Readonly<Record<string, Tensor>>;

/** Runs what step t computes: the model's output `[2B, C', H, W]`, or nothing where the step holds its prediction. */
export type CallModel = (
  step: number,
  feeds: ModelFeeds,
) => Promise<Tensor | undefined>;

function scalarsOf(
  { forecast }: Pick<SampleRequest, "forecast">,
  held: HeldStep,
): ForecastScalars {
  if (typeof forecast === "function") return forecast(held);
  return forecast?.[held.step] ?? [0, 0, 0];
}

/**
 * The sampler's final latents, `[B, C, H, W]`.
 *
 * @throws {RangeError} If the steps or shapes do not fit the SuperNet.
 */
export async function runSampler(
  net: SuperNet,
  request: Omit<SampleRequest, "gates">,
  callModel: CallModel,
): Promise<Tensor<"float32">> {
  checkRequest(net, request);
  const { latents, sampler, noise, guidanceScale, observe } = request;
  let history: readonly Float32Array[] = [];
  let state = startState(sampler, latents.data);
  for (const [step, { timestep, inputScale }] of sampler.steps.entries()) {
    const x = times(state.latents, inputScale);
    const feeds = { ...request.conditioning, ...stepFeeds(net, x, timestep) };
    const output = await callModel(step, feeds);
    const prediction = output
      ? guide(output.data as Float32Array, {
        latents: latents.shape,
        scale: guidanceScale,
      })
      : forecastFrom(history, scalarsOf(request, { step, state, history }));
    observe?.({ step, state, prediction, history });
    if (output) history = [prediction, ...history].slice(0, historyLength);
    state = nextState(sampler, step, {
      state,
      prediction,
      noise: noise?.[step],
    });
  }
  return float32(latents.shape, state.latents);
}

/**
 * The model's inputs that change from step to step.
 *
 * @param x What the model sees, `[B, C, H, W]`.
 */
export function stepFeeds(
  { model: { inputs: [{ shape }] } }: SuperNet,
  x: Float32Array,
  timestep: number,
): { sample: Tensor<"float32">; timestep: Tensor<"float32"> } {
  const [batch] = shape;
  return {
    sample: float32(shape, twice(x)),
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
