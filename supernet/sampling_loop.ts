/**
 * The loop of every sampler: T times the latents go into the model, guidance
 * and forecast make a prediction of what comes out, and the sampler steps.
 */
import type { Sampler } from "../core/samplers/sampler.ts";
import { describe, float32, int64, type Tensor } from "../core/tensor.ts";
import {
  type Forecast,
  forecastFrom,
  type ForecastScalars,
  historyLength,
} from "./forecast.ts";
import type { Gates } from "./gates.ts";
import { guide, twice } from "./guidance.ts";
import type { SuperNet } from "./super_net.ts";

export interface SampleRequest {
  /** Initial noise, `[B, C, H, W]`; the model's batch must be 2B. */
  readonly latents: Tensor<"float32">;
  /** The model's inputs besides `sample` and `timestep`, batch 2B, conditional half first. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly gates: Gates;
  /** How held predictions are combined, one row a step, or decided as the step is reached; held as they are by default. */
  readonly forecast?: Forecast | ((step: HeldStep) => ForecastScalars);
  /** Called at each step with the latents it starts from and the prediction it uses. */
  readonly observe?: (step: SampledStep) => void;
}

/** A step about to hold its prediction. */
export interface HeldStep {
  readonly step: number;
  /** Latents `[B, C, H, W]` that the step starts from. */
  readonly x: Float32Array;
  /** The last computed predictions after guidance, `[B, C, H, W]`, latest first. */
  readonly history: readonly Float32Array[];
}

/** A step as it was made. */
export interface SampledStep {
  readonly step: number;
  readonly x: Float32Array;
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
  const { latents, sampler, guidanceScale, observe } = request;
  let history: readonly Float32Array[] = [];
  let x = latents.data;
  for (const [t, timestep] of sampler.timesteps.entries()) {
    const output = await callModel(t, feedsOf(net, request, { x, timestep }));
    const prediction = output
      ? guide(output.data as Float32Array, {
        latents: latents.shape,
        scale: guidanceScale,
      })
      : forecastFrom(history, scalarsOf(request, { step: t, x, history }));
    observe?.({ step: t, x, prediction, history });
    if (output) history = [prediction, ...history].slice(0, historyLength);
    x = sampler.step(t, x, prediction);
  }
  return float32(latents.shape, x);
}

function feedsOf(
  { model: { inputs: [{ shape }] } }: SuperNet,
  { conditioning }: Pick<SampleRequest, "conditioning">,
  { x, timestep }: { x: Float32Array; timestep: number },
): ModelFeeds {
  return {
    ...conditioning,
    sample: float32(shape, twice(x)),
    timestep: int64([shape[0]], Array(shape[0]).fill(timestep)),
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
  if (sampler.timesteps.length !== steps) {
    throw new RangeError(
      `Cannot sample with ${model.model}: the sampler makes ${sampler.timesteps.length} steps, expected the SuperNet's ${steps}`,
    );
  }
}
